"""Paper, a chat network that nobody has: what the smallest driver looks like. Its whole network is this module's memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from notify.channel import ChannelCapabilities, DeliveryError, EditResult, Edits, Settings
from notify.chat_events import ChatEvent, Ignored, Pressed, RepliedTo, Said, Who
from notify.chat_network import BotInfo, ChatHost, ReceiverCapabilities, Unreadable, Verified
from notify.driver import Check, Health, HookRefused, HookRequest, HookResponse, Setting
from notify.message import Card, Receipt
from notify.plain_text import fit
from notify.rate_limit import Bucket

NAME = "paper"
SETTINGS = (Setting("key", "secret", required=True),)
KEY_HEADER = "X-Paper-Key"


@dataclass
class Desk:
    """The network itself: the sheets on each desk, by number, and what is told of them."""

    sheets: dict[str, tuple[str, Card]] = field(default_factory=dict)  # number → desk, what is written on it
    deleted: list[str] = field(default_factory=list)
    is_closed: bool = False


DESK = Desk()


class PaperChannel:
    """A `Channel`: a card is a sheet on somebody's desk."""

    name = NAME
    can = ChannelCapabilities(
        Edits(), buttons=True, reply_context=True, files=False, sends_to_group=True, max_text=2000
    )

    def buckets(self, address: str) -> tuple[Bucket, ...]:
        return (Bucket("paper", rate=1000, per_seconds=1.0),)

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        if DESK.is_closed:
            raise DeliveryError("transient", "closed")
        number = str(len(DESK.sheets) + 1)
        DESK.sheets[number] = (address, Card(fit(f"{again}{card.text}", self.can.max_text), card.buttons))
        return Receipt(number, address)

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        if message_id not in DESK.sheets:
            return EditResult.GONE
        DESK.sheets[message_id] = (address, card)
        return EditResult.DONE

    async def remove_buttons(self, address: str, message_id: str) -> None:
        DESK.sheets[message_id] = (address, Card(DESK.sheets[message_id][1].text))

    async def fetch(self, file_ref: str, limit: int) -> bytes:
        raise DeliveryError("permanent", "no_file")

    async def close(self) -> None:
        return None


class PaperReceiver:
    """A `Receiver`: whoever writes or ticks a box calls our webhook, and the answer is read there."""

    can = ReceiverCapabilities(1.0, 2.0, in_response=True, card_in_answer=True)
    hooks = (("POST", ""),)

    def __init__(self, key: str) -> None:
        self._key = key

    def open(self, request: HookRequest) -> Verified | HookResponse:
        if request.list_headers(KEY_HEADER) != [self._key]:
            raise HookRefused(401)
        return Verified(request.body, waits=b'"tick"' in request.body)

    def identify(self, body: bytes) -> tuple[str, str]:
        said = _parse(body)
        return str(said["id"]), str(said["desk"])

    def read(self, body: str) -> ChatEvent:
        said = _parse(body.encode())
        who = Who(str(said["user"]), str(said["desk"]), not said.get("is_shared"))
        if (tick := said.get("tick")) is not None:
            return Pressed(who, str(said["sheet"]), str(tick))
        if "text" not in said:
            return Ignored("nothing written")
        about = str(said.get("about") or "")
        card = DESK.sheets[about][1] if about in DESK.sheets else Card("")
        shown = tuple((button.label, button.data) for row in card.buttons for button in row)
        return Said(who, str(said["id"]), str(said["text"]), reply_to=RepliedTo(about, shown) if about else None)

    def render(self, toast: str, card: Card | None) -> HookResponse:
        answer = json.dumps({"toast": toast, "sheet": card.text if card else None}, ensure_ascii=False)
        return HookResponse(200, answer, "application/json")

    async def answer(self, token: str, toast: str) -> None:
        raise NotImplementedError

    async def delete(self, address: str, message: str) -> None:
        raise NotImplementedError

    async def introduce(self, commands: Mapping[str, str]) -> BotInfo:
        return BotInfo("office")

    async def listen(self, host: ChatHost) -> None:
        return None

    async def find(self, phones: Sequence[str]) -> Mapping[str, str]:
        return {}


class PaperNetwork:
    """A `ChatNetwork`."""

    name = NAME

    def __init__(self, key: str) -> None:
        self.channel, self.receiver = PaperChannel(), PaperReceiver(key)

    async def examine(self) -> Sequence[Check]:
        return [
            Check(NAME, Health.BROKEN, "silent", {"why": "closed"}) if DESK.is_closed else Check(NAME, Health.OK, NAME)
        ]

    async def close(self) -> None:
        return None


def build(settings: Settings) -> PaperNetwork:
    """Build the network of `key`."""
    return PaperNetwork(settings["key"])


def _parse(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
        if not {"id", "user", "desk"} <= said.keys():
            raise ValueError("nobody")
    except (ValueError, AttributeError) as error:
        raise Unreadable(type(error).__name__) from None
    return dict(said)
