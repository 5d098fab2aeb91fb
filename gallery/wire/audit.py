"""What the audit log may be told of a message: names and counts, by the fields listed here and no others."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from google.protobuf.message import Message

from gallery.audit import Detail
from gallery.v1 import gallery_service_pb2 as pb

_IDENTITIES = ("identity_id", "merged_identity_id", "new_identity_id")
_OF_REQUESTS = ("template_id", "change_id")
_OF_ANSWERS = ("template_count", "moved_template_count", "receipt_id", "change_id")
_NESTED = ("options", "receipt", "change")  # messages that are looked into
_LONGEST = 256  # what a caller may have named is any text of any length


@dataclass(frozen=True, slots=True)
class Told:
    """What a message says of whom."""

    gallery_id: str = ""
    identity_ids: tuple[str, ...] = ()
    details: Mapping[str, Detail] = field(default_factory=dict)


def told_by_request(request: Message) -> Told:
    """Read what a request, or the first message of a stream, is about."""
    about = _looked_into(request)
    identities = (text for name in _IDENTITIES if (text := about.get(name)))
    return Told(
        gallery_id=str(about.get("gallery_id", ""))[:_LONGEST],
        identity_ids=tuple(str(identity)[:_LONGEST] for identity in identities),
        details=_picked(about, _OF_REQUESTS),
    )


def told_by_answer(answer: Message) -> Told:
    """Read what came of it: counts, ids of receipts and changes, and whom a probe matched."""
    match answer:
        case pb.EnrollResponse():
            enrolled = sum(result.HasField("template") for result in answer.results)
            return Told(details={"enrolled": enrolled, "refused": len(answer.results) - enrolled})
        case pb.IdentifyResponse():
            matched = [person for person in answer.identifications if person.outcome == pb.OUTCOME_MATCH]
            identities = (person.candidates[0].identity_id for person in matched)
            return Told("", tuple(identities), {"people": len(answer.identifications), "matched": len(matched)})
        case pb.VerifyResponse():
            return Told(details={"matched": int(answer.matched)})
    return Told(details=_picked(_looked_into(answer), _OF_ANSWERS))


def _looked_into(message: Message) -> dict[str, object]:
    fields: dict[str, object] = {}
    for descriptor, value in message.ListFields():
        if descriptor.name in _NESTED:
            fields |= _looked_into(value)
        elif isinstance(value, str | int):
            fields[descriptor.name] = value
    return fields


def _picked(fields: Mapping[str, object], names: tuple[str, ...]) -> dict[str, Detail]:
    picked = {name: fields[name] for name in names if name in fields}
    return {name: value[:_LONGEST] if isinstance(value, str) else int(str(value)) for name, value in picked.items()}
