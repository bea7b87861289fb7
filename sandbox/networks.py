"""The simulated networks outside the product, chat, phone and platform, and the people on them."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path

import aiohttp

from sandbox.broadcast import Broadcast
from sandbox.carriers import Rehearsed, SimulatedCarrier, Surroundings
from sandbox.chats import ChatHandset, ChatSurroundings, FurtherChat, SimulatedChat
from sandbox.http_client import HttpClient
from sandbox.in_flight import InFlight
from sandbox.people import SimulatedPerson
from sandbox.platform import SimulatedPlatform
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.updates import Webhook
from sandbox.telephone.exchange import to_e164
from sandbox.twilio.network import PhoneNetwork

CreateBindingCode = Callable[[str], Awaitable[str]]


class SimulatedNetworks:
    """Everything outside the product that it talks to.

    `now` is the product's (movable) clock, `real_time` (seconds since 1970) and `monotonic` (seconds) the real one;
    `random_bytes` makes ids and tokens. `public_url` is the product's own base URL, `reach_url` where it can
    really be reached if that differs. `chat_secret` is used until setWebhook gives another. `create_binding_code`
    belongs to the application: a person's code in, a new binding code out. `state_path`: where they are saved, if at all.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        real_time: Callable[[], float],
        monotonic: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        public_url: str,
        chat_token: str,
        chat_secret: str | None,
        twilio_sid: str,
        twilio_token: str,
        own_number: str,
        platform_secret: str = "",
        http: aiohttp.ClientSession | None = None,
        reach_url: str | None = None,
        state_path: Path | None = None,
        create_binding_code: CreateBindingCode | None = None,
    ) -> None:
        self.now = now
        self.monotonic = monotonic
        self.state_path = state_path
        self.broadcast = Broadcast()
        self.in_flight = InFlight()
        self.http_client = HttpClient(public_url, reach_url, http)
        self.people: dict[str, SimulatedPerson] = {}
        self.uses_real_network = False  # whether a real network is part of this rehearsal
        self.create_binding_code = create_binding_code
        self.chat = ChatNetwork(
            now=now,
            monotonic=monotonic,
            token=chat_token,
            broadcast=self.broadcast,
            in_flight=self.in_flight,
            post=self.http_client.post,
        )
        self.chat.updates.webhook = Webhook(secret=chat_secret or "")
        self.phones = PhoneNetwork(
            now=now,
            monotonic=monotonic,
            random_bytes=random_bytes,
            public_url=public_url,
            sid=twilio_sid,
            token=twilio_token,
            own_number=own_number,
            broadcast=self.broadcast,
            in_flight=self.in_flight,
            send_request=self.http_client.request,
        )
        self.carriers: dict[str, SimulatedCarrier] = {}  # those that brought themselves
        self.chats: dict[str, SimulatedChat] = {}  # the further networks
        self._around_chat = ChatSurroundings(real_time, self.http_client.request, self.in_flight, self.broadcast)
        self._around = Surroundings(self.phones, public_url, real_time, random_bytes, self.http_client.request)
        self.platform = SimulatedPlatform(now, real_time, platform_secret, public_url, self.http_client.request)

    async def settle(self, timeout: float = 5.0) -> None:
        """Wait until no delivery and no automatic call is in flight. Raises TimeoutError after `timeout` seconds."""
        await self.in_flight.settle(timeout)

    def add_person(
        self, *, name: str, phone: str, role: str, unit: str = "", note: str = "", code: str = ""
    ) -> SimulatedPerson:
        """Add a person with a chat account and a telephone of this number."""
        person = SimulatedPerson(name, to_e164(phone), role, unit, note, code)
        self.people[person.phone] = person
        self.chat.get_user(name, person.phone)
        self.phones.get_phone(person.phone)
        self.broadcast.notify()
        return person

    def add_carrier(self, carrier: Rehearsed, settings: Mapping[str, str]) -> None:
        """Let one more carrier ring these telephones; the last one is who people reach that call the office."""
        built = carrier.build_carrier(self._around, settings)
        self.carriers[built.name] = built
        built.adopt_number()

    def add_chat(self, name: str, chat: FurtherChat, settings: Mapping[str, str]) -> None:
        """Let one more chat network reach these people; the page shows the last one."""
        self.chats[name] = chat.build_chat(self._around_chat, settings)

    def find_handset(self, phone: str) -> ChatHandset | None:
        """Return a person's chat on the further network that the page shows; None where there is none."""
        person = self.people.get(phone)
        if not self.chats or person is None:
            return None
        return list(self.chats.values())[-1].get_handset(person.name, person.phone)

    def list_violations(self) -> list[str]:
        """List every out-of-spec request to any network as text; tests assert that there is none."""
        listed = {
            "telegram": self.chat.violations,
            "twilio": self.phones.violations,
            "platform": self.platform.violations,
            **{name: carrier.violations for name, carrier in self.carriers.items()},
            **{name: chat.violations for name, chat in self.chats.items()},
        }
        return [f"{name} {one}" for name, all_of in listed.items() for one in all_of]
