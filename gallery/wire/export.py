"""Pages of an export, as protobuf and back: the records that stores and backups keep, too."""

import json
from uuid import UUID

from gallery.domain import ExportPage
from gallery.errors import InvalidIdentifier
from gallery.records import (
    content_of_page,
    entry_of_record,
    gallery_of_record,
    page_of_content,
    record_of_entry,
    record_of_gallery,
)
from gallery.v1 import gallery_service_pb2 as pb

_WHERE = "the server's answer"


def export_message(page: ExportPage) -> pb.ExportGalleryResponse:
    """Write a page."""
    return pb.ExportGalleryResponse(
        gallery_record=json.dumps(record_of_gallery(page.gallery)).encode(),
        erasure_records=[json.dumps(record_of_entry(entry)).encode() for entry in page.erasures],
        templates=content_of_page(page.templates) if page.templates else b"",
    )


def read_export(message: pb.ExportGalleryResponse) -> ExportPage:
    """Read a page; raises StoreCorrupt for what this version cannot read."""
    gallery = gallery_of_record(json.loads(message.gallery_record), _WHERE)
    erasures = [entry_of_record(json.loads(record), _WHERE) for record in message.erasure_records]
    templates = page_of_content(message.templates, gallery) if message.templates else []
    return ExportPage(gallery, tuple(erasures), tuple(templates))


def read_after(text: str) -> UUID | None:
    """Read where a page begins, None at the start; raises InvalidIdentifier."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidIdentifier(
            f"the template id {text[:40]!r} is no UUID", expected="the last template's of the page before"
        ) from None
