"""Chat and telephone routes by which the page operates the handsets."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.phone.behaviour import BUSY, FAILED, MACHINE, MANUAL, NO_ANSWER, REJECT
from sandbox.phone.live import LiveCall
from sandbox.telegram.model import Message
from sandbox.telegram.people import ChatUser

if TYPE_CHECKING:
    from sandbox.town import Town

PRESS_SECONDS = 15.0
MAX_UPLOAD = 21 * 1024 * 1024
BEHAVIOURS = {one.pickup.value: one for one in (MANUAL, NO_ANSWER, BUSY, FAILED, REJECT, MACHINE)}

Act = Callable[["Town", web.Request, Any], Awaitable[dict[str, Any]]]


class Refused(Exception):
    """A request of the page that cannot be done: HTTP status and a code, not a sentence."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def person_at(town: "Town", phone: str) -> ChatUser:
    """Return the chat user with this number. Raises Refused `no_such_person`."""
    account = next((one for one in town.chat.accounts.values() if one.phone == phone), None)
    if account is None:
        raise Refused(404, "no_such_person")
    return town.chat.user(account.name, account.phone)


def _message_at(user: ChatUser, given: object) -> Message | None:
    if not given:
        return None
    message = user.network.find(user.chat, int(str(given)))
    if message is None:
        raise Refused(404, "no_such_message")
    return message


async def _say(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    user = person_at(town, request.match_info["phone"])
    text = str(body.get("text") or "").strip()
    if not text:
        raise Refused(422, "empty")
    await user.say(text, reply_to=_message_at(user, body.get("reply_to")))
    return {"ok": True}


async def _contact(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    user = person_at(town, request.match_info["phone"])
    other = person_at(town, body["whose"]) if body.get("whose") else None
    await user.share_contact(other)
    return {"ok": True}


async def _press(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    user = person_at(town, request.match_info["phone"])
    message = _message_at(user, body.get("message"))
    if message is None:
        raise Refused(404, "no_such_message")
    try:
        button = (message.markup or {})["inline_keyboard"][int(body["row"])][int(body["column"])]
        press = await user.press_data(message, str(button["callback_data"]), timeout=PRESS_SECONDS)
    except (LookupError, ValueError):
        raise Refused(404, "no_such_button") from None
    except TimeoutError:
        raise Refused(504, "not_answered") from None
    return {"toast": press.toast, "alert": press.alert}


async def _file(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    user = person_at(town, request.match_info["phone"])
    part = body.get("file")
    if not isinstance(part, web.FileField):
        raise Refused(422, "no_file")
    content, caption = part.file.read(), str(body.get("caption") or "")
    answered = _message_at(user, body.get("reply_to"))
    if part.content_type in ("image/jpeg", "image/png") and not body.get("as_document"):
        await user.send_photo(content, caption=caption, reply_to=answered)
    else:
        await user.send_document(part.filename, content, mime=part.content_type, caption=caption, reply_to=answered)
    return {"ok": True}


async def _block(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    user = person_at(town, request.match_info["phone"])
    if body.get("blocked"):
        user.block()
    else:
        user.unblock()
    return {"ok": True}


def _live(town: "Town", request: web.Request) -> LiveCall:
    live = town.phones.live.get(request.match_info["sid"])
    if live is None or not live.manual:
        raise Refused(409, "call_over")
    return live


async def _hand(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    live = _live(town, request)
    match request.match_info["act"]:
        case "answer":
            live.answer()
        case "reject":
            live.reject()
        case "hangup":
            live.hang_up()
        case "silence":
            live.wait_out()
        case "key" if body.get("key") in tuple("0123456789*#"):
            live.press(body["key"])
        case "speech" if str(body.get("text") or "").strip():
            live.say(str(body["text"]).strip(), min(1.0, max(0.0, float(body.get("confidence", 0.9)))))
        case _:
            raise Refused(422, "no_such_act")
    return {"ok": True}


async def _dial(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    live = await town.phones.phone(request.match_info["phone"]).dial()
    return {"sid": live.sid}


async def _behave(town: "Town", request: web.Request, body: Any) -> dict[str, Any]:
    chosen = BEHAVIOURS.get(str(body.get("behaviour")))
    if chosen is None:
        raise Refused(422, "no_such_behaviour")
    town.phones.phone(request.match_info["phone"]).behave(chosen)
    town.bell.ring()
    return {"ok": True}


def _route(app: web.Application, town: "Town", path: str, act: Act) -> None:
    async def work(request: web.Request) -> web.Response:
        if request.content_type == "multipart/form-data":
            body: Any = await request.clone(client_max_size=MAX_UPLOAD).post()
        else:
            try:
                body = await request.json()
            except ValueError:
                raise Refused(400, "not_json") from None
            if not isinstance(body, dict):
                raise Refused(400, "not_json")
        return web.json_response(await act(town, request, body))

    app.router.add_post(path, work)


def chat_routes(app: web.Application, town: "Town") -> None:
    """Add the routes of the chat."""
    acts = {"say": _say, "contact": _contact, "press": _press, "file": _file, "block": _block}
    for name, act in acts.items():
        _route(app, town, f"/api/chat/{{phone}}/{name}", act)


def phone_routes(app: web.Application, town: "Town") -> None:
    """Add the routes of the telephones."""
    _route(app, town, "/api/call/{sid}/{act}", _hand)
    _route(app, town, "/api/phone/{phone}/dial", _dial)
    _route(app, town, "/api/phone/{phone}/behave", _behave)
