"""Serves the simulated server's API: exactly the requests that the product makes; another one is refused and recorded."""

import json
import math
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.faults import respond_with_fault
from sandbox.mattermost.model import Channel, Fields, File, Post
from sandbox.mattermost.network import MattermostNetwork
from sandbox.mattermost.shapes import FILE_LIMIT, ShapeError, check, is_id, read_colours, read_rows

Handler = Callable[[web.Request], Awaitable[web.Response]]
MAX_REQUEST = FILE_LIMIT + (1 << 20)


class ApiError(Exception):
    """A refusal as the server gives it. `recorded`: no well-behaved client makes such a request."""

    def __init__(self, status: int, code: str, *, recorded: bool = False, why: str = "") -> None:
        super().__init__(status, code)
        self.status, self.code, self.recorded, self.why = status, code, recorded, why

    def build(self) -> web.Response:
        """Build the answer."""
        body = {
            "id": self.code,
            "message": self.why or self.code,
            "detailed_error": "",
            "request_id": "r",
            "status_code": self.status,
        }
        return web.json_response(body, status=self.status)


class MattermostServer:
    """Serves one network; to be mounted at the server's address."""

    def __init__(self, network: MattermostNetwork) -> None:
        self.network = network

    def build_app(self) -> web.Application:
        """Build the routes."""
        app = web.Application(client_max_size=MAX_REQUEST)
        routes: dict[tuple[str, str], Handler] = {
            ("GET", "/users/me"): self._get_me,
            ("GET", "/users/me/channels"): self._list_channels,
            ("GET", "/users/{user}"): self._get_user,
            ("GET", "/channels/{channel}"): self._get_channel,
            ("GET", "/channels/{channel}/posts"): self._list_posts,
            ("POST", "/posts"): self._add_post,
            ("GET", "/posts/{post}"): self._get_post,
            ("PUT", "/posts/{post}/patch"): self._patch,
            ("POST", "/files"): self._upload,
            ("GET", "/files/{file}"): self._download,
        }
        for (method, path), handler in routes.items():
            app.router.add_route(method, f"/api/v4{path}", self._serve(handler))
        app.router.add_get("/api/v4/websocket", self.stream)
        app.router.add_route("*", "/{rest:.*}", self._serve(self._refuse))
        return app

    def _serve(self, handler: Handler) -> Handler:
        async def serve(request: web.Request) -> web.Response:
            where = f"{request.method} {request.path.partition('/api/v4')[2] or request.path}"
            self.network.requests.append(where)

            async def answer() -> web.Response:
                try:
                    self._authenticate(request)
                    return await handler(request)
                except ShapeError as error:
                    refused = ApiError(400, error.code, recorded=True, why=str(error))
                except ApiError as error:
                    refused = error
                if refused.recorded:
                    self.network.violations.record(refused.status, where, refused.why or refused.code)
                return refused.build()

            fault = self.network.faults.take(where)
            if fault is not None:
                return await respond_with_fault(*fault, request, answer, build_fault)
            return await answer()

        return serve

    def _authenticate(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.network.token}" or self.network.bot.delete_at:
            raise ApiError(401, "api.context.session_expired.app_error")

    async def _refuse(self, request: web.Request) -> web.Response:
        raise ApiError(404, "api.context.404.app_error", recorded=True, why="no such request")

    # -- accounts and channels

    async def _get_me(self, request: web.Request) -> web.Response:
        return web.json_response(self.network.bot.build())

    async def _get_user(self, request: web.Request) -> web.Response:
        account = self.network.accounts.get(request.match_info["user"])
        if account is None:
            raise ApiError(404, "app.user.missing_account.const")
        if self.network.hides_people:
            raise ApiError(403, "api.context.permissions.app_error")
        return web.json_response(account.build())

    async def _list_channels(self, request: web.Request) -> web.Response:
        ours = [one for one in self.network.channels.values() if self._is_member(one) and not one.delete_at]
        return web.json_response([one.build() for one in ours])

    async def _get_channel(self, request: web.Request) -> web.Response:
        return web.json_response(self._find_channel(request.match_info["channel"]).build())

    def _find_channel(self, id_: object) -> Channel:
        channel = self.network.channels.get(str(id_))
        if channel is None:
            raise ApiError(404, "app.channel.get.existing.app_error")
        if not self._is_member(channel):
            raise ApiError(403, "api.context.permissions.app_error")
        return channel

    def _is_member(self, channel: Channel) -> bool:
        return self.network.bot.id in channel.members

    # -- posts

    async def _list_posts(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request.match_info["channel"])
        if set(request.query) != {"since"} or not request.query["since"].isdigit():
            raise ApiError(400, "api.context.invalid_url_param.app_error", recorded=True, why=str(dict(request.query)))
        since = int(request.query["since"])
        found = [post for post in self.network.posts.values() if post.channel == channel.id and post.update_at > since]
        order = [post.id for post in sorted(found, key=lambda post: -post.create_at)]
        return web.json_response({"order": order, "posts": {post.id: self.network.build_post(post) for post in found}})

    async def _add_post(self, request: web.Request) -> web.Response:
        body = check("post", await _read(request))
        channel = self.network.channels.get(str(body["channel_id"]))
        if channel is None or not self._is_member(channel):
            raise ApiError(403, "api.context.permissions.app_error")
        if channel.delete_at:
            raise ApiError(400, "api.post.create_post.can_not_post_to_deleted.error")
        root = str(body.get("root_id") or "")
        begun = self.network.posts.get(root)
        if root and (begun is None or begun.root or begun.delete_at):
            raise ApiError(400, "api.post.create_post.root_id.app_error", recorded=True)
        files = body.get("file_ids") or []
        assert isinstance(files, list)
        if any(one not in self.network.files for one in files):
            raise ApiError(400, "api.context.invalid_body_param.app_error", recorded=True, why="no such file")
        post = await self.network.add_post(
            channel,
            self.network.bot,
            str(body["message"]),
            root=root,
            files=files,
            rows=read_rows(body),
            colours=read_colours(body),
        )
        return web.json_response(self.network.build_post(post), status=201)

    async def _get_post(self, request: web.Request) -> web.Response:
        return web.json_response(self.network.build_post(self._find_post(request.match_info["post"])))

    async def _patch(self, request: web.Request) -> web.Response:
        body = check("patch", await _read(request))
        try:
            post = self._find_post(request.match_info["post"])
        except ApiError:
            raise ApiError(403, "api.context.permissions.app_error") from None
        if post.user != self.network.bot.id:
            raise ApiError(403, "api.context.permissions.app_error", recorded=True)
        if self.network.channels[post.channel].delete_at:
            raise ApiError(400, "api.post.update_post.can_not_update_post_in_deleted.error")
        if not self.network.allows_edits:
            raise ApiError(400, "api.post.update_post.permissions_time_limit.app_error")
        await self.network.change_post(post, body)
        return web.json_response(self.network.build_post(post))

    def _find_post(self, id_: str) -> Post:
        post = self.network.posts.get(id_)
        if post is None or post.delete_at:
            raise ApiError(404, "app.post.get.app_error")
        self._find_channel(post.channel)
        return post

    # -- files

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.clone(client_max_size=MAX_REQUEST).post()  # the enclosing application's is smaller
        channel, file = form.get("channel_id"), form.get("files")
        if set(form) != {"channel_id", "files"} or not is_id(channel) or not isinstance(file, web.FileField):
            raise ApiError(
                400, "api.file.upload_file.multiple_channel_ids.app_error", recorded=True, why=str(sorted(form))
            )
        self._find_channel(channel)
        content = file.file.read()
        if len(content) > FILE_LIMIT:
            raise ApiError(413, "api.file.upload_file.too_large_detailed.app_error", recorded=True)
        kept = File(self.network.make_id("f"), file.filename, content, user=self.network.bot.id, channel=str(channel))
        self.network.files[kept.id] = kept
        return web.json_response({"file_infos": [kept.build()], "client_ids": []}, status=201)

    async def _download(self, request: web.Request) -> web.Response:
        file = self.network.files.get(request.match_info["file"])
        if file is None:
            raise ApiError(404, "app.file_info.get.app_error")
        return web.Response(body=file.content, content_type="application/octet-stream")

    # -- the stream

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serve one stream: nothing is told before its token, and what is no challenge is answered with an error."""
        self.network.requests.append("GET /websocket")
        if (fault := self.network.faults.take("GET /websocket")) is not None:
            return build_fault(503, fault[1])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            try:
                told = check("challenge", json.loads(message.data))
            except (ValueError, TypeError, ShapeError) as error:
                self.network.violations.record(400, "websocket", str(error))
                await socket.send_json(
                    {"status": "FAIL", "seq_reply": 0, "error": {"id": "api.web_socket_router.bad_action"}}
                )
                continue
            data = told["data"]
            if not isinstance(data, dict) or data.get("token") != self.network.token:
                await socket.close()
                break
            self.network.sockets[socket] = 1
            await socket.send_json({"status": "OK", "seq_reply": told["seq"]})
            hello: Fields = {"event": "hello", "data": {}, "broadcast": {"channel_id": ""}, "seq": 0}
            await socket.send_json(hello)
        self.network.sockets.pop(socket, None)
        return socket


async def _read(request: web.Request) -> object:
    try:
        found: object = json.loads(await request.read())
    except ValueError:
        raise ShapeError("no JSON") from None
    return found


def build_fault(status: int, seconds: float) -> web.Response:
    """Build an error as the server gives it; what limits requests says so in plain text."""
    if status == 429:
        after = str(math.ceil(seconds))
        return web.Response(
            status=429, text="limit exceeded", headers={"Retry-After": after, "X-Ratelimit-Reset": after}
        )
    if status == 503:
        return web.Response(status=503, text="<html>503</html>", content_type="text/html")
    return ApiError(status, "app.internal.app_error").build()
