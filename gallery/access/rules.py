"""The rule of every RPC, in ONE table: the least role that may call it, whether it names a gallery, what it does.

An RPC that is not in the table is refused to everybody, and a test compares the table with what the server serves.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a key may do; each role may do all that those before it may."""

    PROBE = "probe"
    """Ask who somebody is: what a camera needs. It learns answers, not who is enrolled, and no embeddings."""
    ENROL = "enrol"
    """Enrol people, list them, look for mix-ups: what an enrolment desk needs."""
    ADMIN = "admin"
    """Erase, merge, calibrate, and change galleries themselves."""

    def includes(self, other: "Role") -> bool:
        """Say whether this role may do what ``other`` may."""
        return _RANK[self] >= _RANK[other]


_RANK = {role: rank for rank, role in enumerate(Role)}


class Names(StrEnum):
    """Whether a request names a gallery, which the key must then be for."""

    GALLERY = "gallery"
    PERHAPS = "perhaps"
    NOTHING = "nothing"


class Kind(StrEnum):
    """What a call does, for the audit log."""

    WRITE = "write"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a call takes. A role of None: open to everybody, with no key.

    ``embeds``: every such call waits for a worker, so that a full queue refuses it before its request is received.
    """

    role: Role | None
    names: Names
    kind: Kind
    embeds: bool = False


OPEN = Rule(None, Names.NOTHING, Kind.READ)

_SERVICE = "/gallery.v1.GalleryService/"

RULES: dict[str, Rule] = {
    f"{_SERVICE}Identify": Rule(Role.PROBE, Names.GALLERY, Kind.READ, embeds=True),
    f"{_SERVICE}IdentifyStream": Rule(Role.PROBE, Names.GALLERY, Kind.READ),
    f"{_SERVICE}Verify": Rule(Role.PROBE, Names.PERHAPS, Kind.READ, embeds=True),
    f"{_SERVICE}GetGallery": Rule(Role.PROBE, Names.GALLERY, Kind.READ),
    f"{_SERVICE}ListGalleries": Rule(Role.PROBE, Names.NOTHING, Kind.READ),  # shows those that the key is for
    f"{_SERVICE}Embed": Rule(Role.ENROL, Names.NOTHING, Kind.READ, embeds=True),
    f"{_SERVICE}Enroll": Rule(Role.ENROL, Names.GALLERY, Kind.WRITE, embeds=True),
    f"{_SERVICE}BulkEnroll": Rule(Role.ENROL, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}GetIdentity": Rule(Role.ENROL, Names.GALLERY, Kind.READ),
    f"{_SERVICE}ListIdentities": Rule(Role.ENROL, Names.GALLERY, Kind.READ),
    f"{_SERVICE}Diagnose": Rule(Role.ENROL, Names.GALLERY, Kind.READ),
    f"{_SERVICE}DeleteIdentity": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}DeleteTemplate": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}MergeIdentities": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}SplitIdentity": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}UndoChange": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}Calibrate": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}CreateGallery": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}UpdateGallery": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    f"{_SERVICE}ExportGallery": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),  # embeddings leave: always audited
    f"{_SERVICE}DeleteGallery": Rule(Role.ADMIN, Names.GALLERY, Kind.WRITE),
    # what asks a server for its health has no key, and is told nothing else
    "/grpc.health.v1.Health/Check": OPEN,
    "/grpc.health.v1.Health/List": OPEN,
    "/grpc.health.v1.Health/Watch": OPEN,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(Role.PROBE, Names.NOTHING, Kind.READ),
}
