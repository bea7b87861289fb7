"""Serializes calls and messages as the REST API's JSON."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from sandbox.telephone.model import Call, Sms


def _format_time(moment: datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment.astimezone(UTC))


def serialize_call(account: str, call: Call) -> dict[str, Any]:
    """Serialize a Call resource."""
    uri = f"/2010-04-01/Accounts/{account}/Calls/{call.sid}.json"
    return {
        "sid": call.sid, "account_sid": account, "api_version": "2010-04-01", "to": call.to,
        "to_formatted": call.to, "from": call.caller, "from_formatted": call.caller,
        "parent_call_sid": call.parent_sid, "phone_number_sid": "", "direction": call.direction,
        "status": call.status, "start_time": _format_time(call.start_at), "end_time": _format_time(call.end_at),
        "duration": str(call.seconds) if call.ended else None, "answered_by": call.answered_by,
        "date_created": _format_time(call.created_at), "date_updated": _format_time(call.end_at or call.created_at),
        "price": f"-{0.02 * -(-call.seconds // 60):.5f}" if call.ended and call.seconds else None,
        "price_unit": "USD", "caller_name": "", "forwarded_from": None, "group_sid": None, "annotation": None,
        "queue_time": "0", "trunk_sid": "", "uri": uri, "subresource_uris": {},
    }  # fmt: skip


def serialize_sms(account: str, sms: Sms) -> dict[str, Any]:
    """Serialize a Message resource."""
    return {
        "sid": sms.sid, "account_sid": account, "api_version": "2010-04-01", "to": sms.to,
        "from": sms.sender, "body": sms.body, "status": sms.status, "direction": "outbound-api",
        "num_segments": "1", "num_media": "0", "error_code": None, "error_message": None, "price": None,
        "price_unit": "USD", "messaging_service_sid": None, "date_created": _format_time(sms.at),
        "date_updated": _format_time(sms.at), "date_sent": _format_time(sms.at), "subresource_uris": {},
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sms.sid}.json",
    }  # fmt: skip
