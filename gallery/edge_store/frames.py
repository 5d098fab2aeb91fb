"""How messages travel in the pipe: a frame is its length (4 bytes, big endian), its kind (1 byte) and its body.

Both ends are this package, started by one another, and nothing else can write into the pipe. What every probe sends
is plain values, which marshal writes in a twentieth of the time that pickle takes to name the classes of all values,
and to look them up at the other end; everything else is a pickle.
"""

import marshal
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gallery.domain import EVERYTHING, Fusion, TemplateFilter
from gallery.edge_store.messages import Answer, Asked, Nearest, NearestIdentities

_HEADER = 4
_PICKLED, _QUESTION, _ANSWER = range(3)
_FUSIONS = {fusion.value: fusion for fusion in Fusion}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def frame(message: object) -> bytes:
    """Write a message as a frame."""
    if type(message) is Asked and type(message.request) in (Nearest, NearestIdentities):
        kind, body = _QUESTION, marshal.dumps(_plain_question(message))
    elif type(message) is Answer and message.error is None and _is_plain(message.value):
        kind, body = _ANSWER, marshal.dumps((message.number, message.value))
    else:
        kind, body = _PICKLED, pickle.dumps(message, protocol=5)
    return b"%b%c%b" % ((1 + len(body)).to_bytes(_HEADER, "big"), kind, body)


def take_messages(buffer: bytearray) -> list[Any]:
    """Take the whole frames off the front of ``buffer`` and leave the rest in it."""
    messages, position = [], 0
    while position + _HEADER <= len(buffer):
        begin = position + _HEADER
        end = begin + int.from_bytes(buffer[position:begin], "big")
        if end > len(buffer):
            break
        messages.append(_message_of(buffer[begin], bytes(buffer[begin + 1 : end])))
        position = end
    del buffer[:position]
    return messages


def _message_of(kind: int, body: bytes) -> Any:
    if kind == _QUESTION:
        return _read_question(*marshal.loads(body))
    return Answer(*marshal.loads(body)) if kind == _ANSWER else pickle.loads(body)


def _is_plain(value: Any) -> bool:
    """Know an answer of lines, which are tuples of numbers, text, bytes and what is made of them, or of no lines."""
    return type(value) is list and (not value or type(value[0]) is tuple)


def _plain_question(asked: Asked) -> tuple[Any, ...]:
    request = asked.request
    assert isinstance(request, Nearest | NearestIdentities)
    fusion = request.fusion.value if isinstance(request, NearestIdentities) else None
    return asked.number, request.gallery_id, request.vector, int(request.limit), fusion, _plain_filter(request.where)


def _read_question(number: int, gallery_id: str, vector: bytes, limit: int, fusion: str | None, where: Any) -> Asked:
    if fusion is None:
        return Asked(number, Nearest(gallery_id, vector, limit, _read_filter(where)))
    return Asked(number, NearestIdentities(gallery_id, vector, limit, _FUSIONS[fusion], _read_filter(where)))


def _plain_filter(where: TemplateFilter) -> tuple[Any, ...] | None:
    if where is EVERYTHING:
        return None
    change = None if where.change_id is None else where.change_id.int
    moments = map(_plain_moment, (where.captured_from, where.captured_until, where.alive_at))
    return (*moments, where.camera_ids, where.labels, where.identity_ids, change)


def _read_filter(plain: tuple[Any, ...] | None) -> TemplateFilter:
    if plain is None:
        return EVERYTHING
    begin, end, alive_at = map(_read_moment, plain[:3])
    cameras, labels, identities, change = plain[3:]
    return TemplateFilter(
        cameras, begin, end, labels, identities, None if change is None else UUID(int=change), alive_at
    )


def _plain_moment(moment: datetime | None) -> int | None:
    """Write a moment as microseconds, which it has exactly."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _read_moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
