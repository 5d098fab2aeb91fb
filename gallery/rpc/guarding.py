"""Every call passes here first: who calls, whether that is allowed, and what of it is audited."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc

from gallery.access import OPEN, Caller, Guard, Rule, call_for
from gallery.audit import Event
from gallery.errors import GalleryError, PermissionDenied, Unauthenticated
from gallery.rpc.auditing import STRANGER, Auditor, StreamAudit, about, answered, event_of, failed, refused_by
from gallery.rpc.refusals import Context, refusals
from gallery.wire.audit import told_by_request

_SECONDS_FOR_A_FIRST_MESSAGE = 1.0


class AccessInterceptor(grpc.aio.ServerInterceptor):
    """Lets calls through to their servicer that the guard allows, and audits them.

    Key, role and rate are checked before a byte of the request is received; the gallery, when the first message is
    there: the request, or a stream's options.
    """

    def __init__(self, guard: Guard, auditor: Auditor, check_room: Callable[[], None]) -> None:
        self._guard = guard
        self._auditor = auditor
        self._check_room = check_room

    async def intercept_service(self, continuation: Callable[..., Awaitable[Any]], details: Any) -> Any:
        """Wrap the method's handler, or put a refusal in its place."""
        handler = await continuation(details)
        if handler is None:
            return None
        method, who = details.method, STRANGER
        try:
            rule = self._guard.rule(method)
            if rule is OPEN:
                return handler
            caller = self._guard.tell(_authorization(details.invocation_metadata))
            who = caller.who
            self._guard.admit(caller, rule)
            if rule.embeds:
                self._check_room()
        except GalleryError as error:
            refuse = self._refusing(method, who, error, streamed=handler.request_streaming)
            return grpc.stream_stream_rpc_method_handler(refuse)
        call = _Call(method, caller, rule, self._guard, self._auditor)
        if handler.request_streaming and handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                call.streaming(handler.stream_stream), handler.request_deserializer, handler.response_serializer
            )
        if handler.request_streaming or handler.response_streaming:
            raise NotImplementedError(f"{method} streams one way, which nothing here guards")
        return grpc.unary_unary_rpc_method_handler(
            call.single(handler.unary_unary), handler.request_deserializer, handler.response_serializer
        )

    def _refusing(
        self, method: str, who: str, error: GalleryError, *, streamed: bool
    ) -> Callable[..., Awaitable[None]]:
        """Answer with a refusal, as a stream, so that the request is not waited for."""

        async def refuse(_: Any, context: Context) -> None:
            if streamed:  # grpc.aio's clients lose a status that overtakes the first message they write
                with suppress(TimeoutError):
                    await asyncio.wait_for(context.read(), _SECONDS_FOR_A_FIRST_MESSAGE)
            if isinstance(error, Unauthenticated | PermissionDenied):
                self._auditor.refused(refused_by(event_of(method, who, context), error))
            async with refusals(context):
                raise error

        return refuse


class _Call:
    """One call of a caller who was let in."""

    def __init__(self, method: str, caller: Caller, rule: Rule, guard: Guard, auditor: Auditor) -> None:
        self._method = method
        self._caller = caller
        self._rule = rule
        self._guard = guard
        self._auditor = auditor
        self._audited = auditor.wants(rule)

    def single(self, behaviour: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Wrap a call of one question and one answer."""

        async def answer(request: Any, context: Context) -> Any:
            call_for(self._caller)
            async with refusals(context):
                self._allow(told_by_request(request).gallery_id, context)
                if self._audited:
                    self._auditor.check()
            if not self._audited:
                return await behaviour(request, context)
            event = about(event_of(self._method, self._caller.who, context), request)
            try:
                response = await behaviour(request, context)
            except BaseException:  # refused, failed or cancelled: what became of a change may be unknown
                self._auditor.soon(failed(event, context))
                raise
            async with refusals(context):
                await self._auditor.done(self._rule, answered(event, response))
            return response

        return answer

    def streaming(self, behaviour: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a stream of questions and a stream of answers."""

        async def answer(_: Any, context: Context) -> AsyncIterator[Any]:
            call_for(self._caller)
            async with refusals(context):
                if self._audited:
                    self._auditor.check()
            guarded = _GuardedStream(context, self)
            broken = True
            try:
                answers = behaviour(guarded.messages(), guarded)
                if inspect.isawaitable(answers):  # it writes to the context itself
                    await answers
                else:
                    async for each in answers:
                        guarded.say(each)
                        yield each
                broken = False
            finally:
                guarded.end(failed_=broken)

        return answer

    def open_stream(self, message: Any, context: Context) -> StreamAudit | None:
        """Judge the first message of a stream."""
        self._allow(told_by_request(message).gallery_id, context)
        if not self._audited:
            return None
        return StreamAudit(about(self.begin_event(context), message), self._auditor)

    def begin_event(self, context: Context) -> Event:
        return event_of(self._method, self._caller.who, context)

    def _allow(self, gallery_id: str, context: Context) -> None:
        try:
            self._guard.allow(self._caller, self._rule, gallery_id)
        except PermissionDenied as error:
            self._auditor.refused(refused_by(self.begin_event(context), error))
            raise

    async def next_turn(self) -> None:
        """Wait until the key's rate allows another message: its caller is read no faster."""
        if self._caller.bucket is not None and (wait := self._caller.bucket.reserve()):
            await asyncio.sleep(wait)

    def check(self) -> None:
        """Raise KeyEnded once the key has ended."""
        self._guard.check(self._caller)


class _GuardedStream:
    """A stream's context, through which every message goes; all else is the context's own."""

    def __init__(self, context: Context, call: _Call) -> None:
        self._context = context
        self._call = call
        self._begun = False
        self._audit: StreamAudit | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def read(self) -> Any:
        """Read a message, once the key's rate allows; raises what it is refused for, so that the stream ends."""
        if self._begun:
            await self._call.next_turn()
        message = await self._context.read()
        if message is grpc.aio.EOF:
            return message
        self._call.check()
        if not self._begun:
            self._audit = self._call.open_stream(message, self._context)
            self._begun = True
        elif told_by_request(message).gallery_id:  # whatever the servicer would make of a second gallery
            self._call.open_stream(message, self._context)
        if self._audit is not None:
            self._audit.heard(message)
        return message

    async def messages(self) -> AsyncIterator[Any]:
        """Read the messages, for a servicer that iterates."""
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message

    async def write(self, message: Any) -> None:
        """Send an answer."""
        self.say(message)
        await self._context.write(message)

    def say(self, message: Any) -> None:
        """Take note of an answer."""
        if self._audit is not None:
            self._audit.said(message)

    def end(self, *, failed_: bool) -> None:
        """Take note of the end."""
        if self._audit is not None:
            self._audit.ended(self._context, failed_=failed_)


def _authorization(metadata: Any) -> str | None:
    return next((value for key, value in metadata or () if key == "authorization" and isinstance(value, str)), None)
