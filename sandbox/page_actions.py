"""Chat and telephone routes by which the page operates the handsets."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.networks import SimulatedNetworks
from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from sandbox.telephone.behaviour import BUSY, FAILED, MACHINE, MANUAL, NO_ANSWER, REJECT
from sandbox.telephone.handset_call import HandsetCall

PRESS_TIMEOUT_SECONDS = 15.0
MAX_UPLOAD = 21 * 1024 * 1024
BEHAVIOURS = {one.pickup.value: one for one in (MANUAL, NO_ANSWER, BUSY, FAILED, REJECT, MACHINE)}

PageAction = Callable[[SimulatedNetworks, web.Request, Any], Awaitable[dict[str, Any]]]


class PageError(Exception):
    """A request of the page that cannot be done: HTTP status and a code, not a sentence."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def find_person(networks: SimulatedNetworks, phone: str) -> ChatUser:
    """Return the chat user with this number. Raises Refused `no_such_person`."""
    account = next((one for one in networks.chat.accounts.values() if one.phone == phone), None)
    if account is None:
        raise PageError(404, "no_such_person")
    return networks.chat.get_user(account.name, account.phone)


def _find_message(user: ChatUser, given: object) -> Message | None:
    if not given:
        return None
    number = str(given)
    known = number.isascii() and number.isdigit() and len(number) <= 18
    message = user.network.find_message(user.chat, int(number)) if known else None
    if message is None:
        raise PageError(404, "no_such_message")
    return message


async def _send_text(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    user = find_person(networks, request.match_info["phone"])
    text = str(body.get("text") or "").strip()
    if not text:
        raise PageError(422, "empty")
    await user.say(text, reply_to=_find_message(user, body.get("reply_to")))
    return {"ok": True}


async def _share_contact(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    user = find_person(networks, request.match_info["phone"])
    other = find_person(networks, body["whose"]) if body.get("whose") else None
    await user.share_contact(other)
    return {"ok": True}


async def _press(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    user = find_person(networks, request.match_info["phone"])
    message = _find_message(user, body.get("message"))
    if message is None:
        raise PageError(404, "no_such_message")
    try:
        button = (message.markup or {})["inline_keyboard"][int(body["row"])][int(body["column"])]
        press = await user.press_data(message, str(button["callback_data"]), timeout=PRESS_TIMEOUT_SECONDS)
    except (LookupError, ValueError):
        raise PageError(404, "no_such_button") from None
    except TimeoutError:
        raise PageError(504, "not_answered") from None
    return {"toast": press.toast, "alert": press.alert}


async def _send_file(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    user = find_person(networks, request.match_info["phone"])
    part = body.get("file")
    if not isinstance(part, web.FileField):
        raise PageError(422, "no_file")
    content, caption = part.file.read(), str(body.get("caption") or "")
    reply_to = _find_message(user, body.get("reply_to"))
    if part.content_type in ("image/jpeg", "image/png") and not body.get("as_document"):
        await user.send_photo(content, caption=caption, reply_to=reply_to)
    else:
        await user.send_document(part.filename, content, mime=part.content_type, caption=caption, reply_to=reply_to)
    return {"ok": True}


async def _block(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    user = find_person(networks, request.match_info["phone"])
    if body.get("blocked"):
        user.block()
    else:
        user.unblock()
    return {"ok": True}


def _find_manual_call(networks: SimulatedNetworks, request: web.Request) -> HandsetCall:
    live = networks.phones.live_calls.get(request.match_info["sid"])
    if live is None or not live.is_manual:
        raise PageError(409, "call_over")
    return live


async def _operate_call(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    live = _find_manual_call(networks, request)
    match request.match_info["act"]:
        case "answer":
            live.answer()
        case "reject":
            live.reject()
        case "hangup":
            live.hang_up()
        case "silence":
            live.stay_silent()
        case "key" if body.get("key") in tuple("0123456789*#"):
            live.press(body["key"])
        case "speech" if str(body.get("text") or "").strip():
            live.say(str(body["text"]).strip(), min(1.0, max(0.0, float(body.get("confidence", 0.9)))))
        case _:
            raise PageError(422, "no_such_act")
    return {"ok": True}


async def _dial(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    live = await networks.phones.get_phone(request.match_info["phone"]).call_office()
    return {"sid": live.sid}


async def _set_behaviour(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
    chosen = BEHAVIOURS.get(str(body.get("behaviour")))
    if chosen is None:
        raise PageError(422, "no_such_behaviour")
    networks.phones.get_phone(request.match_info["phone"]).set_behaviours(chosen)
    networks.broadcast.notify()
    return {"ok": True}


def _on_shown_network(name: str, act: PageAction) -> PageAction:
    """Do it on the network that the page shows."""

    async def do(networks: SimulatedNetworks, request: web.Request, body: Any) -> dict[str, Any]:
        handset = networks.find_handset(request.match_info["phone"])
        if handset is None:
            return await act(networks, request, body)
        try:
            return await handset.act(name, body)
        except LookupError:
            raise PageError(404, "no_such_message") from None

    return do


def _add_route(app: web.Application, networks: SimulatedNetworks, path: str, act: PageAction) -> None:
    async def work(request: web.Request) -> web.Response:
        if request.content_type == "multipart/form-data":
            body: object = await request.clone(client_max_size=MAX_UPLOAD).post()
        else:
            try:
                body = await request.json()
            except ValueError:
                raise PageError(400, "not_json") from None
            if not isinstance(body, dict):
                raise PageError(400, "not_json")
        return web.json_response(await act(networks, request, body))

    app.router.add_post(path, work)


def add_chat_routes(app: web.Application, networks: SimulatedNetworks) -> None:
    """Add the routes of the chat."""
    acts = {"say": _send_text, "contact": _share_contact, "press": _press, "file": _send_file, "block": _block}
    for name, act in acts.items():
        _add_route(app, networks, f"/api/chat/{{phone}}/{name}", _on_shown_network(name, act))


def add_phone_routes(app: web.Application, networks: SimulatedNetworks) -> None:
    """Add the routes of the telephones."""
    _add_route(app, networks, "/api/call/{sid}/{act}", _operate_call)
    _add_route(app, networks, "/api/phone/{phone}/dial", _dial)
    _add_route(app, networks, "/api/phone/{phone}/behave", _set_behaviour)
