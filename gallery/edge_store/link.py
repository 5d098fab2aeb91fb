"""The pipe to the engine's process: many callers ask at once, each gets its own answer."""

import asyncio
import os
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from gallery.domain import Gallery
from gallery.edge_store.messages import HEADER, Answer, Asked, Hello, Request, body_length, frame, message_of
from gallery.errors import GalleryError, StoreUnavailable

_START_TIMEOUT = 60.0
_END_TIMEOUT = 5.0
_STOP_TIMEOUT = 60.0


class Link:
    """One life of the engine's process. It belongs to the event loop that opened it.

    ``galleries`` and ``broken`` are what the process found in the folder when it started.
    """

    def __init__(self, process: asyncio.subprocess.Process, hello: Hello) -> None:
        self.galleries: dict[str, Gallery] = hello.galleries
        self.broken: dict[str, str] = hello.broken
        self._process = process
        self._numbers = count()
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, store: Path) -> "Link":
        """Start the process for the folder ``store``; raises StoreUnavailable with the reason when it can't."""
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "gallery.edge_store.process", str(store), str(os.getpid())),
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise StoreUnavailable(f"the engine's process cannot be started ({error})") from error
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                hello = await _receive(process)
        except (TimeoutError, EOFError) as error:
            await (_end if isinstance(error, EOFError) else _kill)(process)
            raise StoreUnavailable(
                f"the engine's process for {store} did not start ({_ending(process)})",
                remedy="its standard error says why",
            ) from error
        except BaseException:
            await _kill(process)
            raise
        if isinstance(hello, GalleryError):
            await process.wait()
            raise hello
        return cls(process, hello)

    @property
    def alive(self) -> bool:
        """Whether the process still answers."""
        return not self._reader.done()

    async def ask(self, request: Request) -> Any:
        """Ask and wait for the answer; a cancelled caller's answer is dropped. Raises what the process raises."""
        if not self.alive:
            raise self._lost()
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieved)
        self._pending[number] = future
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(frame(Asked(number, request)))
            with suppress(ConnectionError):  # the reader sees the end, too, and answers everyone
                await self._process.stdin.drain()
            return await future
        finally:
            del self._pending[number]

    async def close(self) -> None:
        """Let the process flush and end, and wait for it; one that does not end is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            await _kill(self._process)
        await self._reader

    async def _read(self) -> None:
        with suppress(EOFError):
            while True:
                answer: Answer = await _receive(self._process)
                future = self._pending.get(answer.number)
                if future is None or future.done():
                    continue
                if answer.error is None:
                    future.set_result(answer.value)
                else:
                    future.set_exception(answer.error)
        await self._process.wait()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(self._lost())

    def _lost(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"the engine's process is gone ({_ending(self._process)}); whether a write was kept is not known",
            remedy="try again: writing the same template twice changes nothing",
        )


async def _receive(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    try:
        length = body_length(await process.stdout.readexactly(HEADER))
        return message_of(await process.stdout.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise EOFError from error


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that has closed its end; to kill it at once could hide what it ended with."""
    try:
        async with asyncio.timeout(_END_TIMEOUT):
            await process.wait()
    except TimeoutError:
        await _kill(process)


def _ending(process: asyncio.subprocess.Process) -> str:
    code = process.returncode
    if code is None:
        return "still starting"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _retrieved(future: asyncio.Future[Any]) -> None:
    """Look at the outcome, so that one nobody waits for any more is not reported as forgotten."""
    if not future.cancelled():
        future.exception()
