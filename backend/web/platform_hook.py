"""Webhook of the external platform: its later answers to write-backs (A7)."""

from typing import Any

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.asked import ROOMS
from backend.web.bodies import keepable, read_bytes, strict_json

MOST = 500  # answers in one request


async def confirmations(request: web.Request) -> web.Response:
    """POST /hooks/platform `{"confirmations": [{"event", "ok", "reason"?, "ref"?}]}`, signed: the state of each.

    401 without a valid signature of the last five minutes, 413 over 1 MB, 422 for anything but that list.
    """
    room = request.app[ROOMS].platform
    if room is None or not room.is_configured:
        raise Refused("not_found")
    body = await read_bytes(request)
    if not room.verify_signature(request.headers, request.method, request.raw_path, body):
        raise Refused("unauthenticated")
    said = strict_json(body)
    listed = said.get("confirmations") if isinstance(said, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST or not all(map(_fits, listed)):
        raise Refused("bad_field", field="confirmations")
    answers = []
    for one in listed:
        reason, ref = keepable(str(one.get("reason") or "")), one.get("ref")
        state = await room.confirm(one["event"], one["ok"], reason, keepable(str(ref))[:200] if ref else None)
        answers.append({"event": one["event"], "state": state or "unknown"})
    return web.json_response({"items": answers})


def _fits(one: Any) -> bool:
    event = one.get("event") if isinstance(one, dict) else None
    number = isinstance(event, int) and not isinstance(event, bool) and 0 < event < 2**63
    return number and isinstance(one.get("ok"), bool)


def add_routes(app: web.Application) -> None:
    """Add this route."""
    app.router.add_post("/hooks/platform", confirmations)
