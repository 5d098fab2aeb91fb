"""Many whole templates as bytes, for a file or a wire.

A JSON list of [id, payload], its length in 4 bytes (big endian) before it, and then the embeddings: float32, little
endian, [templates, dimension].
"""

import json
from collections.abc import Sequence

import numpy as np

from gallery.domain import Gallery, Template
from gallery.errors import StoreCorrupt
from gallery.records.templates import payload_of, template_of

_LENGTH = 4


def content_of_page(templates: Sequence[Template]) -> bytes:
    """Write templates, at least one."""
    told = json.dumps([[str(each.info.template_id), payload_of(each.info)] for each in templates], ensure_ascii=False)
    rows = np.stack([each.embedding for each in templates]).astype("<f4")
    return len(told.encode()).to_bytes(_LENGTH, "big") + told.encode() + rows.tobytes()


def page_of_content(content: bytes, gallery: Gallery) -> list[Template]:
    """Read templates of ``gallery`` back; raises StoreCorrupt."""
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "big")
    try:
        told = json.loads(content[_LENGTH:end])
        rows = np.frombuffer(content[end:], "<f4").reshape(len(told), gallery.dimension)
        return [template_of(each[0], each[1], row, gallery) for each, row in zip(told, rows, strict=True)]
    except (LookupError, TypeError, ValueError) as error:
        raise StoreCorrupt(
            f"these are no templates of the gallery {gallery.gallery_id!r} ({error})", gallery_id=gallery.gallery_id
        ) from error
