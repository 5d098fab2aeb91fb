"""Erasure: the receipt of it, and what the ledger keeps so that a restored backup does not bring anybody back."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What was erased: how many templates, when it was durable, and an id that the audit log has, too."""

    receipt_id: uuid.UUID
    erased_at: datetime
    template_count: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One erasure, or one move of templates, of a gallery: no ids, only keyed hashes of them (HMAC-SHA-256, hex).

    ``identity`` is the erased identity's, ``templates`` the erased templates'; of a move ``moved`` has pairs of a
    template's hash before and after. ``whole_gallery``: everything in it was erased. ``key`` is what they are hashed
    with, hex; ``entry_id`` is the receipt's id.
    """

    entry_id: uuid.UUID
    gallery_id: str
    recorded_at: datetime
    key: str
    identity: str | None = None
    templates: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    whole_gallery: bool = False
