"""Galleries and templates as plain records: what every store keeps, and the checks before and after.

    fields      the values a record is made of, read strictly
    galleries   a gallery, its thresholds and its policy
    templates   a template as a point's payload
    pages       many whole templates as bytes
    ledger      an entry of the ledger of erasures
    embeddings  what an embedding must be to be stored or compared

A store that reads something this package cannot have written raises StoreCorrupt instead of answering with it.
"""

from gallery.records.embeddings import UNIT_TOLERANCE, checked_embedding, checked_embeddings
from gallery.records.fields import timestamp
from gallery.records.galleries import (
    changed_gallery,
    gallery_of_record,
    record_of_gallery,
    taken_gallery,
    unknown_gallery,
)
from gallery.records.ledger import entry_of_record, record_of_entry
from gallery.records.pages import content_of_page, page_of_content
from gallery.records.templates import (
    foreign_point,
    info_of,
    label_of,
    neighbour_of,
    payload_of,
    template_of,
)

__all__ = [
    "UNIT_TOLERANCE",
    "changed_gallery",
    "checked_embedding",
    "checked_embeddings",
    "content_of_page",
    "entry_of_record",
    "foreign_point",
    "gallery_of_record",
    "info_of",
    "label_of",
    "neighbour_of",
    "page_of_content",
    "payload_of",
    "record_of_entry",
    "record_of_gallery",
    "taken_gallery",
    "template_of",
    "timestamp",
    "unknown_gallery",
]
