"""The rigs of Mattermost: its driver connected to the strict server of the sandbox, and what that server tells."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
from aiohttp import web

import notify.chat
from notify.chat.mattermost.api import MattermostApi
from notify.chat.mattermost.channel import MattermostChannel
from notify.chat.mattermost.network import MattermostNetwork, build_network
from notify.chat.mattermost.posts import Callbacks
from notify.driver import HookRequest
from sandbox.faults import Fault
from sandbox.in_flight import InFlight
from sandbox.mattermost.model import File, make_id
from sandbox.mattermost.network import MattermostNetwork as Server
from sandbox.mattermost.server import MattermostServer
from sandbox.mattermost.users import MattermostGroup, MattermostUser
from tests.notify.channel_conformance import Rig
from tests.notify.chat_conformance import ChatRig
from tests.notify.conftest import Serve
from tests.notify.network_faults import find_closed_url

TOKEN, SECRET = "abcdefghijkmnopqrstuvwxyz1", "Geheim-9dK2mQ7xLp4s"
PUBLIC_URL = "https://office.example"


@dataclass
class World:
    """One server with a person and a group, and the driver connected to it."""

    server: Server
    user: MattermostUser
    group: MattermostGroup
    network: MattermostNetwork
    url: str

    @property
    def callbacks(self) -> Callbacks:
        return Callbacks(f"{PUBLIC_URL}/hooks/mattermost", SECRET)


async def refuse_to_send(
    method: str, url: str, headers: dict[str, str], body: bytes, seconds: aiohttp.ClientTimeout
) -> tuple[int, str, bytes]:
    """There is no office behind this server."""
    raise aiohttp.ClientError("nobody")


async def open_world(serve: Serve) -> World:
    server = Server(real_time=time.time, token=TOKEN, send_request=refuse_to_send, in_flight=InFlight())
    app = web.Application()
    app.add_subapp("/chat", MattermostServer(server).build_app())
    url = f"{await serve(app)}/chat"
    user = MattermostUser(server, "liming")
    settings = {"api_url": url, "token": TOKEN, "secret": SECRET, "public_url": PUBLIC_URL}
    return World(server, user, MattermostGroup(server, "office", [user]), build_network(settings), url)


async def open_mattermost_rig(serve: Serve) -> Rig:
    world = await open_world(serve)
    server = world.server

    def fail(fault: str) -> None:
        match fault:
            case "gone":
                server.allows_edits = False
            case "refused_address":
                world.user.deactivate()
            case "busy":
                server.faults.plan_next(Fault.TOO_MANY, seconds=3)
            case "broken":
                server.faults.plan_next(Fault.UNAVAILABLE)
            case "cut_after":
                server.faults.plan_next(Fault.CUT_AFTER, where="POST /posts")
                # a PUT cut off on a kept connection is made once more by the client itself
                server.faults.plan_next(Fault.CUT_AFTER, times=2, where="PUT /posts")

    def list_labels() -> list[list[str]]:
        return [[action.name for action in row] for row in world.user.posts[-1].rows]

    return Rig(
        channel=world.network.channel,
        address=world.user.channel.id,
        group=f"#{world.group.channel.id}",
        list_texts=world.user.list_shown,
        list_labels=list_labels,
        fail=fail,
        put_file=lambda ref, content: server.files.__setitem__(ref, File(ref, "a.bin", content)),
        build_unreachable=lambda: MattermostChannel(MattermostApi(find_closed_url(), TOKEN), world.callbacks),
    )


async def open_mattermost_chat_rig(serve: Serve) -> ChatRig:
    world = await open_world(serve)
    server, callbacks = world.server, world.callbacks

    def tell(number: int, text: str, *, group: bool = False, root: object = None) -> bytes:
        channel = (world.group if group else world.user).channel
        post = {
            "id": make_id("p", number),
            "channel_id": channel.id,
            "user_id": world.user.account.id,
            "message": text,
            "create_at": 1_790_000_000_000 + number,
            "root_id": "",
            "type": "",
            "props": {},
        }
        bot = {"id": server.bot.id, "username": server.bot.username}
        update = {"event": "posted", "channel_type": channel.type, "post": post, "root": root or {}, "bot": bot}
        return json.dumps(update, ensure_ascii=False).encode()

    def press(number: int, message: str, data: str) -> bytes:
        body = {
            "user_id": world.user.account.id,
            "user_name": "liming",
            "channel_id": world.user.channel.id,
            "channel_name": world.user.channel.name,
            "team_id": "",
            "post_id": message,
            "trigger_id": f"trigger{number}",
            "type": "button",
            "context": {"data": data, "mac": callbacks.sign(data)},
        }
        return json.dumps(body, ensure_ascii=False).encode()

    def wrap(body: bytes, genuine: bool) -> HookRequest | None:
        if b'"event"' in body:
            return None  # words come by the stream
        path = f"/hooks/mattermost{callbacks.path}"
        request = HookRequest("POST", PUBLIC_URL, path, path, {}, (), body)
        forged = body.replace(b'"mac": "', b'"mac": "0')
        return request if genuine else replace(request, body=forged)

    return ChatRig(
        network=world.network,
        folder=Path(notify.chat.__path__[0], "mattermost"),
        user=world.user.account.id,
        chat=world.user.channel.id,
        group=f"#{world.group.channel.id}",
        say=lambda number, text, group: tell(number, f"@jiesu {text}" if group else text, group=group),
        reply=lambda number, text, message: tell(number, text, root=server.build_post(server.posts[message])),
        press=press,
        wrap=wrap,
        list_toasts=list,
        list_deleted=list,
        secrets=(TOKEN, SECRET),
        break_off=lambda: server.faults.plan_next(Fault.UNAVAILABLE, times=99),
    )
