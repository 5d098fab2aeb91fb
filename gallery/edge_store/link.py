"""The pipe to the engine's process: many callers ask at once, each gets its own answer."""

import asyncio
import os
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from gallery.domain import Gallery
from gallery.edge_store.frames import frame, take_messages
from gallery.edge_store.messages import Answer, Asked, Hello, Request
from gallery.errors import GalleryError, StoreUnavailable

_START_TIMEOUT = 60.0
_END_TIMEOUT = 5.0
_STOP_TIMEOUT = 60.0


class Link:
    """One life of the engine's process. It belongs to the event loop that opened it.

    ``galleries`` and ``broken`` are what the process found in the folder when it started.
    """

    def __init__(self, process: asyncio.subprocess.Process, answers: "_Answers", hello: Hello) -> None:
        self.galleries: dict[str, Gallery] = hello.galleries
        self.broken: dict[str, str] = hello.broken
        self._process = process
        self._numbers = count()
        self._answers = answers
        self._reaping = asyncio.create_task(self._reap())

    @classmethod
    async def open(cls, store: Path) -> "Link":
        """Start the process for the folder ``store``; raises StoreUnavailable with the reason when it can't."""
        try:
            process, answers = await _started(store)
        except OSError as error:
            raise StoreUnavailable(f"the engine's process cannot be started ({error})") from error
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                hello = await answers.hello
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
        return cls(process, answers, hello)

    @property
    def alive(self) -> bool:
        """Whether the process still answers."""
        return not self._reaping.done()

    async def ask(self, request: Request) -> Any:
        """Ask and wait for the answer; a cancelled caller's answer is dropped. Raises what the process raises."""
        if not self.alive:
            raise self._lost()
        number, pending = next(self._numbers), self._answers.pending
        pending[number] = answer = asyncio.get_running_loop().create_future()
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(frame(Asked(number, request)))
            with suppress(ConnectionError):  # the end is seen, too, and everyone answered
                await self._process.stdin.drain()
            return await answer
        except asyncio.CancelledError:
            answer.cancel()
            if not answer.cancelled():
                answer.exception()  # looked at, so that one nobody waits for any more is not reported as forgotten
            raise
        finally:
            del pending[number]

    async def close(self) -> None:
        """Let the process flush and end, and wait for it; one that does not end is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            await _kill(self._process)
        await self._reaping

    async def _reap(self) -> None:
        await self._answers.ended
        await self._process.wait()
        for answer in self._answers.pending.values():
            if not answer.done():
                answer.set_exception(self._lost())

    def _lost(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"the engine's process is gone ({_ending(self._process)}); whether a write was kept is not known",
            remedy="try again: writing the same template twice changes nothing",
        )


class _Answers(asyncio.Protocol):
    """The reading end: hands each answer to who waits for it, with no task in between.

    ``hello`` is the process's first word, or EOFError where it says none; ``ended`` is done when it has closed its end.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.hello: asyncio.Future[Any] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.pending: dict[int, asyncio.Future[Any]] = {}
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        """Read what has arrived whole."""
        self._buffer += data
        for message in take_messages(self._buffer):
            if not isinstance(message, Answer):
                _settle(self.hello, message)
            elif (answer := self.pending.get(message.number)) is not None:
                _settle(answer, message.value, message.error)

    def connection_lost(self, exc: Exception | None) -> None:
        """See the end."""
        _settle(self.hello, error=EOFError())
        _settle(self.ended)


def _settle(future: asyncio.Future[Any], value: Any = None, error: Exception | None = None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


async def _started(store: Path) -> tuple[asyncio.subprocess.Process, _Answers]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as theirs:
        transport, answers = await asyncio.get_running_loop().connect_read_pipe(_Answers, os.fdopen(reading, "rb"))
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "gallery.edge_store.process", str(store), str(os.getpid())),
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
                stdin=asyncio.subprocess.PIPE,
                stdout=theirs,
            )
        except BaseException:
            answers.hello.cancel()  # nobody waits for it
            transport.close()
            raise
    return process, answers


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
