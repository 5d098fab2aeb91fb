"""What the use cases need from the outside: something that embeds and something that stores.

Adapters implement these protocols; `server` and `cli` choose which. Every method may raise the errors of
`gallery.errors` that it names, StoreUnavailable and StoreCorrupt beside them, and nothing else.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gallery.domain import (
    EVERYTHING,
    Candidate,
    Embedded,
    Embedding,
    EncodedImage,
    EnrolledTemplate,
    Fusion,
    Gallery,
    Identification,
    IdentitySummary,
    Lane,
    LedgerEntry,
    Neighbour,
    Template,
    TemplateFilter,
    TemplateInfo,
    Verification,
)
from gallery.errors import GalleryError
from gallery.model_card import ModelCard


class Network(Protocol):
    """A model that embeds in the calling thread; safe to call from several threads at once."""

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""

    def embed_all(self, encoded: Sequence[EncodedImage]) -> list[tuple[Embedded, ...] | GalleryError]:
        """Decode each image once; embed each region (or the whole) and measure its quality.

        An image that cannot be embedded has the error in its place, and the others their embeddings.
        """


class Embedder(Protocol):
    """A model that embeds off the event loop."""

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        """As Network.embed_all, of one image, whose error is raised; raises Overloaded (UNARY), too.

        A call that is cancelled while it waits is never embedded.
        """


class Observer(Protocol):
    """Is told what became of people and images, for statistics: quick, and never raises. Nothing is kept of them."""

    def decided(self, gallery: Gallery, answer: Identification, where: TemplateFilter) -> None: ...
    def verified(self, gallery: Gallery | None, answer: Verification) -> None: ...
    def enrolled(self, template: EnrolledTemplate) -> None: ...
    def refused(self, error: GalleryError) -> None: ...  # an item, where the call goes on


class TemplateStore(Protocol):
    """Galleries of templates. A write that has returned is durable; deleted means gone."""

    async def create_gallery(self, gallery: Gallery) -> None: ...  # GalleryAlreadyExists
    async def get_gallery(self, gallery_id: str) -> Gallery: ...  # GalleryNotFound, as does all below
    async def update_gallery(self, gallery: Gallery, *, replacing: Gallery) -> None: ...  # GalleryChanged
    async def list_galleries(self, *, after: str, limit: int) -> list[Gallery]: ...  # by id, after > exclusive
    async def delete_gallery(self, gallery_id: str) -> int: ...  # how many templates went with it

    # a draft is written, moved, found, searched, scanned and deleted like a gallery, under `draft_of(gallery_id)`
    async def create_draft(self, gallery: Gallery) -> None: ...  # empty, in the place of the draft there is; unlisted
    async def publish_draft(self, gallery_id: str) -> None: ...  # takes the gallery's place in one step

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None: ...  # all or none; ids may exist
    async def move(self, gallery_id: str, templates: Sequence[Template], remove: Sequence[UUID]) -> None: ...
    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]: ...  # those that exist
    async def nearest(
        self, gallery_id: str, embedding: Embedding, *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Neighbour]: ...  # exact, nearest first
    async def nearest_to_each(
        self, gallery_id: str, templates: Sequence[Template], *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[list[Neighbour]]: ...  # at least 1 each, and the nearest of its own identity if there is one beyond
    async def nearest_identities(
        self, gallery_id: str, embedding: Embedding, *, limit: int, fusion: Fusion, where: TemplateFilter = EVERYTHING
    ) -> tuple[Candidate, ...]: ...  # as `matching.rank` those `matching.considered` with the nearest templates
    async def scan(
        self, gallery_id: str, *, after: UUID | None, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Template]: ...  # by template id, with embeddings

    async def count_identities(self, gallery_id: str) -> int: ...
    async def list_identities(
        self, gallery_id: str, *, after: str, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[IdentitySummary]: ...
    async def list_templates(self, gallery_id: str, identity_id: str) -> list[TemplateInfo]: ...  # oldest first
    async def delete_identity(self, gallery_id: str, identity_id: str) -> int: ...  # 0 when there was none
    async def delete_template(self, gallery_id: str, template_id: UUID) -> bool: ...
    async def delete_expired(self, gallery_id: str, now: datetime) -> int: ...

    async def record_erasures(self, entries: Sequence[LedgerEntry]) -> None: ...  # outlives every gallery
    async def list_erasures(self, gallery_id: str) -> list[LedgerEntry]: ...  # oldest first; never GalleryNotFound
    async def compact(self, gallery_id: str) -> None: ...  # what was deleted leaves the disk, too

    async def check(self) -> None: ...  # answers, or StoreUnavailable
    async def close(self) -> None: ...
