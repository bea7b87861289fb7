"""A malware scanner that is a program: it gets the file on its input or its path, and says by its exit status (XS13)."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

from notify.scanner import Content, ScannerAway, Verdict, iter_pieces, to_name

FILE_WORD = "{file}"  # in an argument: the file's path; without it the file goes to the program's input
CLEAN = 0  # exit status
PREFIX = "jiesu-scan-"  # of the names of files laid down for a program
LEFT_SECONDS = 3600.0  # age of one that nobody reads any more
MAX_OUTPUT = 1024 * 1024  # bytes read of what it says; one that says more is ended
KEPT_OUTPUT = 4096  # bytes of it that are looked at
AT_ONCE = 4  # programs running
END_SECONDS = 1.0  # longest wait for one that was ended


class CommandScanner:
    """`arguments` are run as they are, without a shell and without our environment; `infected` are exit statuses.

    `folder` is where files lie while a program reads them. A program that takes longer than `seconds` is ended with all
    that it began.
    """

    def __init__(self, arguments: Sequence[str], infected: Collection[int], seconds: float, folder: Path) -> None:
        self._arguments, self._infected = tuple(arguments), frozenset(infected)
        self._seconds, self._folder = seconds, folder
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def scan(self, content: Content) -> Verdict:
        """Return the verdict on a file. Raises ScannerAway `missing`, `disk`, `timeout`, `output`, `unread`, `status …`."""
        try:
            async with self._turns, asyncio.timeout(self._seconds):  # who waits for a turn is not late yet
                return await self._scan(content)
        except TimeoutError:
            raise ScannerAway("timeout") from None
        except OSError:
            raise ScannerAway("disk") from None

    async def _scan(self, content: Content) -> Verdict:
        if not any(FILE_WORD in one for one in self._arguments):
            return await self._run(self._arguments, content)
        async with self._lay_down(content) as path:
            return await self._run([one.replace(FILE_WORD, str(path)) for one in self._arguments], None)

    @contextlib.asynccontextmanager
    async def _lay_down(self, content: Content) -> AsyncIterator[Path]:
        """The path of the file, which only we may read; one of ours is gone afterwards."""
        if isinstance(content, Path):
            yield content.resolve()
            return
        path = await asyncio.to_thread(_write, content, self._folder)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def _run(self, arguments: Sequence[str], content: Content | None) -> Verdict:
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        try:
            program = await asyncio.create_subprocess_exec(
                *arguments, stdin=nothing if content is None else pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT,
                env=environment, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError):
            raise ScannerAway("missing") from None
        try:
            was_read, said = await asyncio.gather(_feed(program, content), _listen(program))
            status = await program.wait()
        except BaseException:
            await _end(program)
            raise
        if status in self._infected:
            return Verdict(to_name(said))
        if status != CLEAN:
            raise ScannerAway(f"status {status}")
        if not was_read:
            raise ScannerAway("unread")
        return Verdict(None)


def _write(content: bytes, folder: Path) -> Path:
    handle, path = tempfile.mkstemp(prefix=PREFIX, dir=folder)
    now = os.fstat(handle).st_mtime
    for left in folder.glob(f"{PREFIX}*"):  # by a process that died amid a scan
        with contextlib.suppress(OSError):
            if now - left.stat().st_mtime > LEFT_SECONDS:
                left.unlink()
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    return Path(path)


async def _end(program: asyncio.subprocess.Process) -> None:
    """End the program with all that it began. It counts as ended when its output is read as well, which is not waited for long."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            while program.stdout is not None and await program.stdout.read(MAX_OUTPUT):
                pass
            await program.wait()


async def _feed(program: asyncio.subprocess.Process, content: Content | None) -> bool:
    """Hand the file to the program; return whether it took all of it."""
    stream = program.stdin
    if content is None or stream is None:
        return True
    try:
        for piece in iter_pieces(content):
            stream.write(piece)
            await stream.drain()
        stream.close()
        await stream.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


async def _listen(program: asyncio.subprocess.Process) -> str:
    """Return the beginning of what the program says, to its end."""
    kept, size, stream = b"", 0, program.stdout
    while stream is not None and (piece := await stream.read(KEPT_OUTPUT)):
        size += len(piece)
        if size > MAX_OUTPUT:
            raise ScannerAway("output")
        kept = (kept + piece)[:KEPT_OUTPUT]
    return kept.decode("utf-8", "replace")
