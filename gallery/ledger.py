"""The ledger of erasures: what is written when somebody is erased, and who of an older copy must not come back.

Ids go in as keyed hashes, HMAC-SHA-256. The key is kept beside them, so whoever has the ledger can try ids they know
or guess; without trying, it names nobody.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from gallery.domain import LedgerEntry, TemplateInfo


def new_key() -> str:
    """Make the key of a gallery's ledger: 256 random bits, hex."""
    return secrets.token_hex(32)


def erasure_of_identity(
    gallery_id: str, key: str, at: datetime, identity_id: str, template_ids: Iterable[UUID]
) -> LedgerEntry:
    """Write the erasure of an identity and of the templates it has."""
    identity = _hashed(key, gallery_id, "identity", identity_id)
    return LedgerEntry(uuid.uuid4(), gallery_id, at, key, identity, _hashed_all(gallery_id, key, template_ids))


def erasure_of_templates(gallery_id: str, key: str, at: datetime, template_ids: Iterable[UUID]) -> LedgerEntry:
    """Write the erasure of single templates."""
    return LedgerEntry(uuid.uuid4(), gallery_id, at, key, templates=_hashed_all(gallery_id, key, template_ids))


def erasure_of_gallery(gallery_id: str, key: str, at: datetime) -> LedgerEntry:
    """Write the erasure of everything in a gallery."""
    return LedgerEntry(uuid.uuid4(), gallery_id, at, key, whole_gallery=True)


def move_of_templates(gallery_id: str, key: str, at: datetime, pairs: Sequence[tuple[UUID, UUID]]) -> LedgerEntry:
    """Write which templates are named anew by a merge, a split or an undoing: pairs of before and after."""
    before = _hashed_all(gallery_id, key, (pair[0] for pair in pairs))
    after = _hashed_all(gallery_id, key, (pair[1] for pair in pairs))
    return LedgerEntry(uuid.uuid4(), gallery_id, at, key, moved=tuple(zip(before, after, strict=True)))


class Erased:
    """Who of an older copy of a gallery was erased since, by the entries that were written since, oldest first.

    A template was erased when its identity was, when it was itself, or when what it was moved to since was. Someone
    enrolled again after an erasure is only in copies that know of the erasure, and not hit by it.
    """

    def __init__(self, gallery_id: str, entries: Iterable[LedgerEntry]) -> None:
        self._gallery_id = gallery_id
        self._keys: set[str] = set()
        self._identities: set[str] = set()
        self._templates: dict[str, int] = {}
        self._moves: dict[str, list[tuple[int, str]]] = {}
        self.whole_gallery = False
        for position, entry in enumerate(entries):
            self._keys.add(entry.key)
            self.whole_gallery |= entry.whole_gallery
            if entry.identity is not None:
                self._identities.add(entry.identity)
            self._templates |= dict.fromkeys(entry.templates, position)
            for before, after in entry.moved:
                self._moves.setdefault(before, []).append((position, after))

    def has(self, info: TemplateInfo) -> bool:
        """Whether this template of the older copy was erased since."""
        return any(self._was_erased(key, info) for key in self._keys)

    def _was_erased(self, key: str, info: TemplateInfo) -> bool:
        template = _hashed(key, self._gallery_id, "template", str(info.template_id))
        if template not in self._moves and _hashed(key, self._gallery_id, "identity", info.identity_id) in (
            self._identities
        ):
            return True
        reached, waiting = {template: 0}, [(0, template)]
        while waiting:
            since, name = waiting.pop()
            if self._templates.get(name, -1) >= since:
                return True
            for position, after in self._moves.get(name, ()):
                if position >= since and reached.get(after, position + 1) > position:
                    reached[after] = position
                    waiting.append((position, after))
        return False


class Verdict(Enum):
    """What the ledger says of a template that only some copies of its gallery have."""

    STAYS = "stays"
    ERASED = "erased"
    DOUBTFUL = "doubtful"


def judged(gallery_id: str, entries: Sequence[LedgerEntry], info: TemplateInfo, slack: timedelta) -> Verdict:
    """Tell whether a template was erased after it was enrolled, or moved here, by the whole ledger, oldest first.

    Servers' clocks differ, so what lies less than ``slack`` apart is doubtful, and so is what was moved away since: the
    ledger has a move before it is made, and does not know whether it was.
    """
    name = str(info.template_id)
    arrivals = [
        entry.recorded_at
        for entry in entries
        if entry.moved and _hashed(entry.key, gallery_id, "template", name) in {after for _, after in entry.moved}
    ]
    since = max([info.enrolled_at, *arrivals])
    if Erased(gallery_id, [entry for entry in entries if entry.recorded_at >= since + slack]).has(info):
        return Verdict.ERASED
    near = [entry for entry in entries if entry.recorded_at > since - slack]
    leaving = any(
        _hashed(entry.key, gallery_id, "template", name) in {before for before, _ in entry.moved} for entry in near
    )
    return Verdict.DOUBTFUL if leaving or Erased(gallery_id, near).has(info) else Verdict.STAYS


def _hashed_all(gallery_id: str, key: str, template_ids: Iterable[UUID]) -> tuple[str, ...]:
    return tuple(_hashed(key, gallery_id, "template", str(template_id)) for template_id in template_ids)


def _hashed(key: str, gallery_id: str, kind: str, value: str) -> str:
    return hmac.new(bytes.fromhex(key), f"{kind}\n{gallery_id}\n{value}".encode(), hashlib.sha256).hexdigest()
