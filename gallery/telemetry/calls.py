"""Every call, seen from outside: its id, its code, how long it took, and what it was refused for."""

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import grpc

from gallery.telemetry import request_ids

_log = logging.getLogger(__name__)

SERIOUS = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that is over: ``method`` as it was called, ``/gallery.v1.GalleryService/Identify``."""

    method: str
    code: grpc.StatusCode
    seconds: float
    context: Any


class CallListener(Protocol):
    """Is told of calls; must be quick and never raise."""

    def began(self, method: str, context: Any) -> None:
        """Hear that a call is about to be answered, in the task that answers it."""

    def ended(self, call: Ended) -> None:
        """Hear that it is over."""


class CallObserver(grpc.aio.ServerInterceptor):
    """The outermost interceptor: gives each call its id and tells the listeners of its beginning and end."""

    def __init__(self, *listeners: CallListener) -> None:
        self._listeners = listeners

    async def intercept_service(self, continuation: Callable[..., Awaitable[Any]], details: Any) -> Any:
        """Wrap the method's handler, whichever of the four kinds it is."""
        handler = await continuation(details)
        if handler is None:
            return None
        method: str = details.method
        if handler.response_streaming:
            factory = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            behaviour = self._streaming(handler.stream_stream or handler.unary_stream, method)
        else:
            factory = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
            behaviour = self._single(handler.stream_unary or handler.unary_unary, method)
        return factory(behaviour, handler.request_deserializer, handler.response_serializer)

    def _single(self, behaviour: Callable[..., Awaitable[Any]], method: str) -> Callable[..., Any]:
        async def answer(request: Any, context: Any) -> Any:
            with self._observed(method, context):
                return await behaviour(request, context)

        return answer

    def _streaming(self, behaviour: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def answer(request: Any, context: Any) -> AsyncIterator[Any]:
            with self._observed(method, context):
                answers = behaviour(request, context)
                if inspect.isawaitable(answers):  # it writes to the context itself, as grpc.health.v1 does
                    await answers
                    return
                async for one in answers:
                    yield one

        return answer

    @contextmanager
    def _observed(self, method: str, context: Any) -> Iterator[None]:
        request_id = request_ids.begin(context.invocation_metadata() or ())
        context.set_trailing_metadata(((request_ids.KEY, request_id),))
        begun = time.perf_counter()
        for listener in self._listeners:
            listener.began(method, context)
        code = grpc.StatusCode.UNKNOWN  # what gRPC makes of an exception that set no status
        try:
            yield
            code = code_of(context) or grpc.StatusCode.OK
        except (asyncio.CancelledError, GeneratorExit):
            code = grpc.StatusCode.CANCELLED
            raise
        except BaseException:
            if (status := code_of(context)) not in (None, grpc.StatusCode.OK):
                code = status
            raise
        finally:
            ended = Ended(method, code, time.perf_counter() - begun, context)
            for listener in self._listeners:
                listener.ended(ended)


class CallLog:
    """A line for each call: those that should not have failed as warnings, the others for who asks for them."""

    def began(self, method: str, context: Any) -> None:
        """Say nothing yet."""

    def ended(self, call: Ended) -> None:
        """Say how it ended."""
        level = logging.WARNING if call.code in SERIOUS else logging.DEBUG
        if _log.isEnabledFor(level):
            what = {"method": call.method, "code": call.code.name, "milliseconds": round(call.seconds * 1e3, 3)}
            _log.log(level, "%s ended %s after %.1f ms", *what.values(), extra=what)


def code_of(context: Any) -> grpc.StatusCode | None:
    """Read the status that was set; None when none was."""
    code = context.code()
    if code is None or isinstance(code, grpc.StatusCode):
        return code
    return next((status for status in grpc.StatusCode if status.value[0] == code), grpc.StatusCode.UNKNOWN)
