"""P2: a button press in chat from the update's bytes to its answer, against bare aiogram with one handler."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import AsyncExitStack

from aiogram import Dispatcher, Router
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import CallbackQuery, Update
from aiohttp import web
from sqlalchemy import text

from backend.domain.button_data import ButtonData, encode
from backend.domain.records import Unit
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.people import PersonForm
from bench.harness import Figure, compute_ratios, format_rates, judge, measure
from bench.office import list_engines, open_bench_database
from bench.providers import post_all_requests, start_null_server
from notify.chat.telegram.session import make_bot
from tests.bot.world import World
from tests.simulated_networks import TELEGRAM_TOKEN

FIRST, USERS = 4_242, 200  # many users: each may press only so often a minute
WIDTH = 16


def run(small: bool) -> Iterable[Figure]:
    """Measure both engines."""
    for engine in list_engines():
        yield asyncio.run(_measure_engine(engine, 150 if small else 500))


def _make_update(number: int, data: str) -> bytes:
    user = {"id": FIRST + number % USERS, "is_bot": False, "first_name": "李明"}
    chat = {"id": FIRST + number % USERS, "type": "private", "first_name": "李明"}
    message = {"message_id": 10 + number, "date": 1_760_000_000, "chat": chat, "from": {**user, "is_bot": True, "id": 1},
               "text": "【新工单】"}  # fmt: skip
    query = {"id": str(number), "from": user, "chat_instance": "1", "message": message, "data": data}
    return json.dumps({"update_id": number, "callback_query": query}, ensure_ascii=False).encode()


async def _measure_engine(engine: str, count: int) -> Figure:
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_bench_database(engine))
        providers_url = await stack.enter_async_context(start_null_server())
        world = World(db, None, providers_url)  # type: ignore[arg-type]
        world.worker.prepare = _do_nothing  # type: ignore[method-assign]
        world.start = lambda: None  # type: ignore[method-assign]
        await world.open()
        stack.push_async_callback(world.network.close)
        bot, dispatcher, router = (
            make_bot(TELEGRAM_TOKEN, f"{providers_url}/sandbox/telegram"),
            Dispatcher(disable_fsm=True),
            Router(),
        )
        stack.push_async_callback(bot.session.close)
        app = web.Application()

        async def hook(request: web.Request) -> web.Response:
            await world.worker.receive("telegram", await request.read())
            return web.Response()

        async def bare_hook(request: web.Request) -> web.Response:
            update = Update.model_validate(await request.json(), context={"bot": bot})
            await dispatcher.feed_update(bot, update)
            return web.Response()

        app.router.add_post("/ours", hook)
        app.router.add_post("/bare", bare_hook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        own = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        units = [Unit(f"X{n}", f"单位{n}", UnitKind.HANDLING, "A市") for n in range(USERS)]
        people = [PersonForm(f"李{n}", f"X{n}", Role.HANDLER, f"P{n}", f"+861380001{n:04d}") for n in range(USERS)]
        await world.people.save_units(units, "admin")
        await world.people.save_people(people, "admin")
        bind = text("INSERT INTO bindings (id, person, channel, address, user_id, state, how, bound_at) "
                    "VALUES (:id, :person, 'telegram', :user, :user, 'live', 'code', 0)")  # fmt: skip
        bound = [{"id": n + 1, "person": f"P{n}", "user": str(FIRST + n)} for n in range(USERS)]
        await db.execute(bind, bound)
        world.office.invalidate()
        made = 0

        async def presses() -> list[bytes]:
            nonlocal made
            found = []
            for _ in range(count):
                made += 1
                assignment = await world.dispatch_ticket(f"T{made}", unit=f"X{made % USERS}")
                found.append(_make_update(made, encode(ButtonData("sign", assignment, 1))))
            return found

        async def settled() -> None:
            new = text("SELECT count(*) FROM inbox WHERE state = 'new'")
            while await db.read(lambda c: c.execute(new).scalar_one()):
                await asyncio.sleep(0.02)

        async def ours() -> float:
            updates = await presses()
            woken = asyncio.Event()
            world.worker.on_received = woken.set

            async def rounds() -> None:
                while True:
                    await woken.wait()
                    woken.clear()
                    while await world.worker.run_once():
                        pass

            turning = asyncio.create_task(rounds())
            cost, _ = await post_all_requests(own, [("/ours", u.decode(), {}) for u in updates], WIDTH, then=settled)
            turning.cancel()
            signed = text("SELECT count(*) FROM assignments WHERE sign_method = 'manual'")
            assert await db.read(lambda c: c.execute(signed).scalar_one()) == made
            return cost

        @router.callback_query()
        async def pressed(query: CallbackQuery) -> None:
            await bot(AnswerCallbackQuery(callback_query_id=query.id, text="已签收"))

        dispatcher.include_router(router)

        async def bare() -> float:
            updates = [_make_update(10_000_000 + n, "s:1:1") for n in range(count)]
            cost, _ = await post_all_requests(own, [("/bare", u.decode(), {}) for u in updates], WIDTH)
            return cost

        await ours()
        taken = await measure(ours, bare)
        return judge("P2", f"{engine}: a press heard, kept, signed, answered: CPU", "aiogram behind aiohttp, one handler, one answer",
                      compute_ratios(taken), most=1.6, note=format_rates(taken, " ms"))  # fmt: skip


async def _do_nothing() -> None:
    return None
