"""What a gallery must hold after a crash: what was acknowledged for certain, and what was under way in either form."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Lock
from uuid import UUID

import numpy as np

from gallery import GalleryClient
from gallery.audit import Where, find, verify
from gallery.domain import ErasureReceipt, Template, Threshold, ThresholdOrigin
from tests.pictures import png_of

GALLERY = "lobby"
SEARCHED = 5


@dataclass
class Truth:
    """All pictures that were ever sent to a gallery, by number, and whose they may be: None stands for erased.

    Each worker changes only what is its own, and one thing at a time.
    """

    may_be_of: dict[int, set[str | None]] = field(default_factory=dict)
    moves: list[list[int]] = field(default_factory=list)
    receipts: list[ErasureReceipt] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    target_tried: float | None = None
    _numbers: Iterator[int] = field(default_factory=count)
    _embeddings: dict[int, bytes] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _to_come: int = 0
    _enough: Event = field(default_factory=Event)

    def await_acknowledgements(self, number: int) -> Event:
        """Return what is set when so many more changes have been acknowledged."""
        with self._lock:
            self._to_come, self._enough = number, Event()
            return self._enough

    def picture(self) -> int:
        """Take a picture that nobody has."""
        with self._lock:
            return next(self._numbers)

    def acknowledged(self, pictures: Iterable[int], owner: str | None) -> None:
        """Note that these pictures are this person's, or erased, and that the server has said so."""
        for picture in pictures:
            self.may_be_of[picture] = {owner}
        with self._lock:
            self._to_come -= 1
            if self._to_come <= 0:
                self._enough.set()

    def under_way(self, pictures: Iterable[int], owner: str | None) -> None:
        """Note that these pictures may become this person's, or be erased."""
        for picture in pictures:
            self.may_be_of.setdefault(picture, {None}).add(owner)

    @contextmanager
    def moving(self, pictures: list[int]) -> Iterator[None]:
        """Note that these pictures change hands all together; left by an error, they are in doubt."""
        self.moves.append(pictures)
        yield
        self.moves.remove(pictures)

    def people(self, worker: str) -> dict[str, list[int]]:
        """List the people for certain of a worker, with their pictures."""
        found: dict[str, list[int]] = {}
        for picture, owners in list(self.may_be_of.items()):
            (owner,) = owners if len(owners) == 1 else (None,)
            if owner is not None and owner.startswith(worker):
                found.setdefault(owner, []).append(picture)
        return found

    def hold_against(self, client: GalleryClient, audit: Path) -> None:
        """Compare the gallery with this, and take as certain from here on what is found."""
        found = self._found(client)
        self._check_moves(found)
        self._check_counts(client, found)
        self._check_searches(client, found)
        self._check_thresholds(client)
        self._check_audit(audit)
        for picture in self.may_be_of:
            self.may_be_of[picture] = {found.get(picture)}

    def _found(self, client: GalleryClient) -> dict[int, str]:
        known = {digest_of(picture): picture for picture in self.may_be_of}
        found: dict[int, str] = {}
        for template in templates_of(client):
            assert template.info.image_digest in known, "a phantom: nobody sent this picture"
            picture = known[template.info.image_digest]
            assert picture not in found, "one picture under two identities"
            found[picture] = template.info.identity_id
            before = self._embeddings.setdefault(picture, template.embedding.tobytes())
            now = np.frombuffer(before, np.float32)
            assert np.allclose(template.embedding, now, atol=1e-6), "an embedding has changed"
        for picture, owners in self.may_be_of.items():
            assert found.get(picture) in owners, f"picture {picture} of {owners} is found as {found.get(picture)}"
        return found

    def _check_moves(self, found: dict[int, str]) -> None:
        for pictures in self.moves:
            assert len({found[picture] for picture in pictures}) == 1, "a move was done by half"
        self.moves.clear()

    def _check_counts(self, client: GalleryClient, found: dict[int, str]) -> None:
        listed = {each.identity_id: each.template_count for each in client.iter_identities(GALLERY, page_size=50)}
        assert listed == Counter(found.values())

    def _check_searches(self, client: GalleryClient, found: dict[int, str]) -> None:
        for picture in sorted(found)[-SEARCHED:]:
            (answer,) = client.identify(GALLERY, png_of(picture), threshold=0.01)
            assert answer.candidates[0].distance < 1e-4
            assert answer.candidates[0].identity_id == found[picture]
            (embedded,) = client.embed(png_of(picture))
            stored = np.frombuffer(self._embeddings[picture], np.float32)
            assert np.allclose(embedded.embedding, stored, atol=1e-5)

    def _check_thresholds(self, client: GalleryClient) -> None:
        kept = list(client.get_gallery(GALLERY).thresholds)
        assert kept[: len(self.thresholds)] == self.thresholds
        for one in kept[len(self.thresholds) :]:
            assert (one.origin, one.target_fpir) == (ThresholdOrigin.CALIBRATED, self.target_tried)
        assert len(kept) - len(self.thresholds) <= (self.target_tried is not None)
        self.thresholds, self.target_tried = kept, None

    def _check_audit(self, audit: Path) -> None:
        assert verify(audit).broken is None
        for receipt in self.receipts:
            (line,) = find(audit, Where(detail=str(receipt.receipt_id)))
            assert line.event.code == "OK"
        self.receipts.clear()


def templates_of(client: GalleryClient) -> Iterator[Template]:
    """Fetch all templates of the gallery."""
    after: UUID | None = None
    while templates := client.export_page(GALLERY, after=after).templates:
        yield from templates
        after = templates[-1].info.template_id


def digest_of(picture: int) -> str:
    """Name a picture's content as the gallery does."""
    return hashlib.sha256(png_of(picture)).hexdigest()


def pngs(pictures: Sequence[int]) -> list[bytes]:
    """Draw pictures."""
    return [png_of(picture) for picture in pictures]
