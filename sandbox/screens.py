"""Renders what the handsets show as JSON for the page."""

from typing import Any

from sandbox.networks import SimulatedNetworks
from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from sandbox.telephone.handset_call import HandsetCall

SHOWN_MESSAGES = 80
SHOWN_CALLS = 6
QUOTED_CHARACTERS = 60


def render_people(networks: SimulatedNetworks) -> list[dict[str, Any]]:
    """List all people, with whether they have opened the bot."""
    by_phone = {account.phone: account for account in networks.chat.accounts.values()}

    def is_started(phone: str) -> bool:
        handset = networks.find_handset(phone)
        return handset.is_started if handset else phone in by_phone and by_phone[phone].started

    return [
        {
            "name": one.name, "phone": one.phone, "role": one.role, "unit": one.unit, "note": one.note,
            "code": one.code, "started": is_started(one.phone),
        }
        for one in networks.people.values()
    ]  # fmt: skip


def render_chat(networks: SimulatedNetworks, user: ChatUser) -> dict[str, Any]:
    """Render a person's chat with the bot: the newest messages and the current reply keyboard."""
    shown = user.messages[-SHOWN_MESSAGES:]
    keyboard: list[list[dict[str, object]]] = []
    for message in shown:
        if message.from_bot and message.markup and "keyboard" in message.markup:
            keyboard = [[_render_reply_button(one) for one in row] for row in message.markup["keyboard"]]
        elif message.from_bot and message.markup and message.markup.get("remove_keyboard"):
            keyboard = []
    return {
        "phone": user.phone,
        "name": user.account.name,
        "started": user.account.started,
        "blocked": user.account.blocked,
        "messages": [_render_message(user, one) for one in shown],
        "keyboard": keyboard,
        "commands": networks.chat.commands,
    }


def _render_reply_button(button: Any) -> dict[str, Any]:
    if isinstance(button, str):
        return {"text": button, "contact": False}
    return {"text": button["text"], "contact": bool(button.get("request_contact"))}


def _render_message(user: ChatUser, message: Message) -> dict[str, object]:
    rows = (message.markup or {}).get("inline_keyboard", [])
    quoted = user.network.find_message(user.chat, message.reply_to) if message.reply_to is not None else None
    return {
        "id": message.id, "mine": not message.from_bot, "kind": message.kind, "text": message.text,
        "entities": message.entities, "at": message.date.isoformat(), "edited": message.edited,
        "file": message.file and {"id": message.file.id, "name": message.file.name, "size": message.file.size},
        "contact": message.extra.get("contact"), "location": message.extra.get("location"),
        "quote": quoted and {"id": quoted.id, "text": quoted.text[:QUOTED_CHARACTERS] or quoted.kind},
        "rows": [[{"text": one["text"], "url": one.get("url")} for one in row] for row in rows],
    }  # fmt: skip


def render_phone(networks: SimulatedNetworks, number: str) -> dict[str, Any]:
    """Render a telephone: its behaviour, its newest calls and SMS."""
    phone = networks.phones.get_phone(number)
    return {
        "phone": phone.number,
        "behaviour": phone.behaviour.pickup,
        "calls": [_render_call(live) for live in phone.calls[-SHOWN_CALLS:]],
        "sms": [{"from": one.sender, "text": one.body, "at": one.at.isoformat()} for one in phone.sms[-5:]],
    }


def _render_call(live: HandsetCall) -> dict[str, object]:
    call = live.call
    return {
        "sid": call.sid, "from": call.caller, "to": call.to, "direction": call.direction, "status": call.status,
        "ended": call.ended, "seconds": call.seconds, "at": call.created_at.isoformat(),
        "lines": [{"who": line.who, "text": line.text, "language": line.language} for line in call.lines],
    }  # fmt: skip


def render_ringing(networks: SimulatedNetworks) -> list[dict[str, Any]]:
    """List the calls that ring now on manually operated handsets."""
    people = networks.people
    return [
        {"phone": live.number, "name": people[live.number].name if live.number in people else ""}
        for live in networks.phones.live_calls.values()
        if live.is_manual and live.call.status == "ringing" and live.call.direction != "inbound"
    ]
