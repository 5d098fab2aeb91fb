"""grpc.health.v1 kept true: SERVING only while everything that an answer needs has lately been seen to work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from gallery.errors import GalleryError, Overloaded

_SECONDS_BETWEEN_CHECKS = 5.0
_SECONDS_FOR_A_CHECK = 10.0

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

Check = Callable[[], Awaitable[object]]

_log = logging.getLogger(__name__)


class Health:
    """The health of ``service``, told under its name, under "" and, part by part, under each check's name.

    A check that returns is healthy, and so is one that is Overloaded: it works. One that raises anything else or does
    not return is not, until it returns again.
    """

    def __init__(self, service: str, checks: Mapping[str, Check]) -> None:
        self.servicer = _Watchable()
        self._wholes = ("", service)
        self._checks = dict(checks)
        self._troubles: dict[str, str] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the checks."""
        return tuple(self._checks)

    @property
    def troubles(self) -> Mapping[str, str]:
        """What is wrong with each check that failed last; all of them before the first look."""
        return dict.fromkeys(self._checks, "not checked yet") if self._troubles is None else self._troubles

    async def begin(self) -> None:
        """Say NOT_SERVING of everything, before anybody can ask."""
        for name in (*self._wholes, *self._checks):
            await self.servicer.set(name, _NOT_SERVING)

    async def look(self) -> None:
        """Check everything once, at the same time, and tell."""
        results = await asyncio.gather(*(_trouble(check) for check in self._checks.values()))
        troubles = {name: trouble for name, trouble in zip(self._checks, results, strict=True) if trouble is not None}
        for name, trouble in troubles.items():
            if self._troubles is None or name not in self._troubles:
                _log.warning("not serving, the %s: %s", name, trouble)
        if self._troubles and not troubles:
            _log.info("serving again")
        self._troubles = troubles
        for name in self._checks:
            await self.servicer.set(name, _NOT_SERVING if name in troubles else _SERVING)
        for name in self._wholes:
            await self.servicer.set(name, _NOT_SERVING if troubles else _SERVING)

    async def keep(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_CHECKS)
            await self.look()

    async def leave(self) -> None:
        """Say NOT_SERVING for good."""
        await self.servicer.enter_graceful_shutdown()

    def drain(self) -> None:
        """End the calls of watchers: they would keep the server for as long as it waits for calls in flight."""
        self.servicer.ended.set()


class _Watchable(health.aio.HealthServicer):
    """The library's servicer, whose watchers are sent away when the server ends."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802  # named in the proto
        """Tell how it is until the client goes or the server ends."""
        watching = asyncio.create_task(super().Watch(request, context))
        ending = asyncio.create_task(self.ended.wait())
        try:
            await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            ending.cancel()
            await asyncio.gather(watching, ending, return_exceptions=True)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is stopping")


async def _trouble(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_SECONDS_FOR_A_CHECK):
            await check()
    except Overloaded:
        return None
    except TimeoutError:
        return f"no answer within {_SECONDS_FOR_A_CHECK:g} s"
    except GalleryError as error:
        return str(error)
    except Exception:  # whatever else it is, health goes on being told
        _log.exception("a check failed in a way that nobody foresaw")
        return "an error nobody foresaw, see the log"
    return None
