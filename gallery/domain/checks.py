"""What an identifier and a threshold may be."""

import re

from gallery.errors import InvalidIdentifier, InvalidParameter

MAX_DISTANCE = 2.0
MAX_IDENTITY_ID_LENGTH = 256

_GALLERY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def checked_gallery_id(gallery_id: str) -> str:
    """Return ``gallery_id``, or raise InvalidIdentifier: it becomes a folder's and a collection's name."""
    if not _GALLERY_ID.fullmatch(gallery_id):
        raise InvalidIdentifier(
            f"the gallery id {gallery_id!r} cannot be used",
            expected="1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit",
        )
    return gallery_id


def checked_identity_id(identity_id: str) -> str:
    """Return ``identity_id``, or raise InvalidIdentifier: it is the caller's own key, shown in answers."""
    if not 0 < len(identity_id) <= MAX_IDENTITY_ID_LENGTH or not identity_id.isprintable():
        raise InvalidIdentifier(
            f"the identity id {identity_id[:40]!r} cannot be used",
            expected=f"1 to {MAX_IDENTITY_ID_LENGTH} printable characters",
        )
    return identity_id


def checked_threshold(threshold: float) -> float:
    """Return ``threshold``, or raise InvalidParameter when it is no cosine distance (NaN included)."""
    if not 0.0 <= threshold <= MAX_DISTANCE:
        raise InvalidParameter(
            f"the threshold {threshold} is no cosine distance", expected="a number from 0 to 2; smaller is stricter"
        )
    return threshold
