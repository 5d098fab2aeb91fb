"""What is audited of a call, and when: changes before they are answered, what is only asked within a second."""

from dataclasses import dataclass, field, replace
from typing import Any

import grpc
from google.protobuf.message import Message

from gallery.access import OPEN, Kind, Rule
from gallery.access.buckets import TokenBucket
from gallery.audit import AuditLog, Event
from gallery.errors import GalleryError
from gallery.rpc.refusals import Context
from gallery.telemetry.calls import code_of
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.audit import told_by_answer, told_by_request
from gallery.wire.status import code_name, error_of, reason_in

STRANGER = "unknown"

_REFUSED_A_SECOND, _REFUSED_AT_ONCE = 1.0, 100


class Auditor:
    """Writes events of calls to the log, if there is one. ``everything``: what is only asked, too."""

    def __init__(self, log: AuditLog | None, *, everything: bool) -> None:
        self._log = log
        self._everything = everything
        # apart, so that a flood of strangers does not hide what was refused to a key
        self._strangers = TokenBucket(_REFUSED_A_SECOND, _REFUSED_AT_ONCE)
        self._known = TokenBucket(_REFUSED_A_SECOND, _REFUSED_AT_ONCE)
        self._left_out = 0

    def wants(self, rule: Rule) -> bool:
        """Say whether such calls are audited."""
        return self._log is not None and rule is not OPEN and (self._everything or rule.kind is Kind.WRITE)

    def check(self) -> None:
        """Raise AuditUnavailable while nothing can be written."""
        if self._log is not None:
            self._log.check()

    async def done(self, rule: Rule, event: Event) -> None:
        """Audit a call: a change is on disk when this returns; raises AuditUnavailable."""
        if self._log is None:
            return
        if rule.kind is Kind.WRITE:
            await self._log.commit(event)
        else:
            self._log.append(event)

    def soon(self, event: Event) -> None:
        """Audit something within a second."""
        if self._log is not None:
            self._log.append(event)

    def refused(self, event: Event) -> None:
        """Audit a caller who was not let in; of a flood of them some, and then how many were left out."""
        if self._log is None:
            return
        if (self._strangers if event.who == STRANGER else self._known).take() > 0.0:
            self._left_out += 1
            return
        details = {**event.details, "left_out_before": self._left_out} if self._left_out else event.details
        self._left_out = 0
        self._log.append(replace(event, details=details))


def event_of(method: str, who: str, context: Context) -> Event:
    """Begin the event of a call: what, who, from where, with which certificate."""
    names = context.auth_context().get("x509_common_name", ())
    certificate = b", ".join(names).decode(errors="replace")
    return Event(method.rpartition("/")[2], who, peer=context.peer() or "", certificate=certificate)


def about(event: Event, request: Message) -> Event:
    """Add what a request is about."""
    told = told_by_request(request)
    return replace(event, gallery_id=told.gallery_id, identity_ids=told.identity_ids, details=told.details)


def answered(event: Event, answer: Message) -> Event:
    """Add what came of it."""
    told = told_by_answer(answer)
    identities = event.identity_ids + tuple(name for name in told.identity_ids if name not in event.identity_ids)
    return replace(event, identity_ids=identities, details={**event.details, **told.details})


def refused_by(event: Event, error: GalleryError) -> Event:
    """Add the refusal that a call met."""
    return replace(event, code=code_name(type(error)), reason=error.reason)


def failed(event: Event, context: Context) -> Event:
    """Add how a call ended that gave no answer: its status, or CANCELLED when its caller went away."""
    code = code_of(context) or grpc.StatusCode.CANCELLED
    return replace(event, code=code.name, reason=reason_in(context.trailing_metadata() or ()))


@dataclass(slots=True)
class StreamAudit:
    """What is told of a stream: a line for each item of a bulk enrolment, and at its end one of the whole.

    Item ids need not differ: a refused item that shares its id with others in flight is told with all their identities.
    """

    event: Event
    auditor: Auditor
    counts: dict[str, int] = field(default_factory=dict)
    _identities: dict[str, list[str]] = field(default_factory=dict)

    def heard(self, message: Message) -> None:
        """Take note of a request."""
        if isinstance(message, pb.BulkEnrollRequest) and message.HasField("item"):
            self._identities.setdefault(message.item.item_id, []).append(message.item.identity_id)

    def said(self, message: Any) -> None:
        """Take note of an answer."""
        failed = message.HasField("error")
        self._count("refused" if failed else "answered")
        if isinstance(message, pb.IdentifyStreamResponse):
            for name, count in told_by_answer(message.response).details.items():
                self._count(name, int(count))
        elif isinstance(message, pb.BulkEnrollResponse):
            told = replace(self.event, identity_ids=self._whose(message), details={})
            error = error_of(message.error) if failed else None
            if error is not None:
                told = refused_by(told, error)
            elif failed:
                told = replace(told, code=grpc.StatusCode.INTERNAL.name)
            self.auditor.soon(told)

    def ended(self, context: Context, *, failed_: bool) -> None:
        """Tell of the whole."""
        event = replace(self.event, call=f"{self.event.call}.end", details={**self.event.details, **self.counts})
        self.auditor.soon(failed(event, context) if failed_ else event)

    def _whose(self, message: pb.BulkEnrollResponse) -> tuple[str, ...]:
        asked = self._identities.pop(message.item_id)
        enrolled = message.template.template.identity_id
        rest = list(asked)
        rest.remove(enrolled if enrolled in rest else rest[0])
        if rest:
            self._identities[message.item_id] = rest
        return (enrolled,) if enrolled else tuple(dict.fromkeys(name[:256] for name in asked))

    def _count(self, name: str, more: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + more
