"""A server whose tables only newer programs may use ends by itself with 75, so that the newer one is started (XR2)."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend.app.config import Config
from backend.app.run import run_until_stopped


@pytest.mark.parametrize(("is_expired", "status"), [(True, 75), (False, 0)])
async def test_what_a_server_says_when_it_ends_XR2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_expired: bool, status: int
) -> None:
    expired, closed = asyncio.Event(), []

    @contextlib.asynccontextmanager
    async def open_application(_config: Config, _roles: Collection[str]) -> AsyncIterator[Any]:
        yield SimpleNamespace(
            services=SimpleNamespace(
                process_token="t", gate=SimpleNamespace(expired=expired), holds=SimpleNamespace(current=None)
            )
        )
        closed.append(True)

    running = asyncio.create_task(run_until_stopped(Config(data=tmp_path, sandbox=True), ("worker",), open_application))
    await asyncio.sleep(0.01)
    if is_expired:
        expired.set()
    else:
        os.kill(os.getpid(), signal.SIGTERM)
    assert await running == status and closed
    assert ("75" in capsys.readouterr().err) is is_expired
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)
