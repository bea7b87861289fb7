"""Webhooks of any chat network: verified by its own receiver, stored, answered by a status or by the answer to the press."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from backend.ports.availability import Unavailable
from notify.chat_network import ReceiverCapabilities, Verified
from notify.driver import HookRefused, HookRequest, HookResponse
from tests.web.world import World


@dataclass
class Signpost:
    """A receiver that tells from the body what a request is; `name` and `receiver` make it a network as well."""

    name: str = "signpost"
    can: ReceiverCapabilities = ReceiverCapabilities(1.0, 2.0, in_response=True)  # noqa: RUF009 - frozen
    hooks: tuple[tuple[str, str], ...] = (("POST", ""), ("GET", "/{rest}"))
    seen: list[HookRequest] = field(default_factory=list)

    @property
    def receiver(self) -> "Signpost":
        return self

    def open(self, request: HookRequest) -> Verified | HookResponse:
        self.seen.append(request)
        if request.method == "GET":
            return HookResponse(200, f"challenge {request.get_param('c')}")
        if request.body == b"forged":
            raise HookRefused(401)
        return Verified(request.body, waits=request.body == b"press")


class Inbox:
    """Keeps what it is given; `error` is raised instead."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes]] = []
        self.error: Exception | None = None

    async def receive(self, network: str, body: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.kept.append((network, body))

    async def respond(self, network: str, body: bytes) -> HookResponse:
        await self.receive(network, body)
        return HookResponse(200, '{"toast": "已签收。"}', "application/json")


@pytest.fixture
async def inbox(sqlite_world: World) -> Inbox:
    inbox = Inbox()
    sqlite_world.networks.append(Signpost())  # type: ignore[arg-type]
    await sqlite_world.change(inbox)  # type: ignore[arg-type]
    return inbox


async def test_an_event_is_stored_and_a_press_answered_in_its_response(sqlite_world: World, inbox: Inbox) -> None:
    assert (await sqlite_world.request(None, "POST", "/hooks/signpost", data=b"event"))[0] == 200
    status, said = await sqlite_world.request(None, "POST", "/hooks/signpost", data=b"press")
    assert (status, said) == (200, {"toast": "已签收。"})
    assert inbox.kept == [("signpost", b"event"), ("signpost", b"press")]


async def test_a_challenge_is_answered_at_once_and_what_is_forged_is_refused_FT5(
    sqlite_world: World, inbox: Inbox
) -> None:
    async with sqlite_world.client.get("/hooks/signpost/verify?c=7") as answer:
        assert (answer.status, await answer.text()) == (200, "challenge 7")
    signpost: Any = sqlite_world.networks[-1]
    assert signpost.seen[-1].target == "/hooks/signpost/verify?c=7" and signpost.seen[-1].parts == {"rest": "verify"}
    assert (await sqlite_world.request(None, "POST", "/hooks/signpost", data=b"forged"))[0] == 401
    assert (await sqlite_world.request(None, "POST", "/hooks/signpost", data=b"x" * 1_100_000))[0] == 413
    assert (await sqlite_world.request(None, "POST", "/hooks/signpost/more", data=b"event"))[0] == 405
    assert inbox.kept == []


@pytest.mark.parametrize("body", [b"event", b"press"])
@pytest.mark.parametrize("error", [RuntimeError("disk"), Unavailable("pool")])
async def test_what_cannot_be_stored_is_asked_for_again_FD4(
    sqlite_world: World, inbox: Inbox, body: bytes, error: Exception
) -> None:
    inbox.error = error
    assert (await sqlite_world.request(None, "POST", "/hooks/signpost", data=body))[0] == 503
