"""Webhook of the external platform: its later answers to write-backs (A7)."""

from typing import Any

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.body import parse_json, read_bytes, strip_unstorable
from backend.web.request import SERVICES

MAX_CONFIRMATIONS = 500  # answers in one request


async def receive_confirmations(request: web.Request) -> web.Response:
    """POST /hooks/platform `{"confirmations": [{"event", "ok", "reason"?, "ref"?}]}`, signed: the state of each.

    401 without a valid signature of the last five minutes, 413 over 1 MB, 422 for anything but that list.
    """
    services = request.app[SERVICES]
    service = services.platform
    if service is None or not service.is_configured:
        raise Refused("not_found")
    body = await read_bytes(request)
    if not service.verify_signature(request.headers, request.method, request.raw_path, body):
        raise Refused("unauthenticated")
    services.gate.refuse_closed()
    document = parse_json(body)
    confirmations_given = document.get("confirmations") if isinstance(document, dict) else None
    if (
        not isinstance(confirmations_given, list)
        or len(confirmations_given) > MAX_CONFIRMATIONS
        or not all(map(_is_confirmation, confirmations_given))
    ):
        raise Refused("bad_field", field="confirmations")
    answers = []
    for confirmation in confirmations_given:
        reason, ref = strip_unstorable(str(confirmation.get("reason") or "")), confirmation.get("ref")
        state = await service.confirm(
            confirmation["event"], confirmation["ok"], reason, strip_unstorable(str(ref))[:200] if ref else None
        )
        answers.append({"event": confirmation["event"], "state": state or "unknown"})
    return web.json_response({"items": answers})


def _is_confirmation(item: Any) -> bool:
    event = item.get("event") if isinstance(item, dict) else None
    number = isinstance(event, int) and not isinstance(event, bool) and 0 < event < 2**63
    return number and isinstance(item.get("ok"), bool)


def add_routes(app: web.Application) -> None:
    """Add this route."""
    app.router.add_post("/hooks/platform", receive_confirmations)
