"""One run of `gallery enrol`, from its sources to its report."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gallery.cli.bulk.outcome import Outcome
from gallery.cli.bulk.preparing import prepared
from gallery.cli.bulk.report import Report
from gallery.cli.bulk.rows import Sources
from gallery.cli.bulk.seen import Seen
from gallery.cli.bulk.sending import Sending
from gallery.cli.bulk.tally import Tally
from gallery.cli.output import say
from gallery.cli.stopping import stopped_by_signals
from gallery.domain import Gallery
from gallery.errors import GalleryAlreadyExists, GalleryError, GalleryNotFound
from gallery.resending import Patience

if TYPE_CHECKING:
    from gallery.cli.target import AnyGallery


@dataclass(slots=True)
class Run:
    """What a run works with. ``interrupted`` is set when it was asked to stop, ``gave_up`` to what it stopped for."""

    sources: Sources
    patience: Patience
    report: Report
    tally: Tally
    interrupted: bool = False
    gave_up: GalleryError | None = None

    async def carry_out(self, gallery: "AnyGallery", advance: Callable[[], None]) -> None:
        """Enrol everything into ``gallery``, which is created where there is none; ``advance`` is called for each row.

        Raises what no repetition mends; what was told until then is in the tally and the report.
        """
        with Seen() as done, Seen() as met:
            record = await _ensured(gallery, self.tally.gallery_id)
            for template_id in self.report.enrolled(record):
                done.add(template_id.bytes)
            self.report.begin(record)

            def tell(outcome: Outcome) -> None:
                self.tally.add(outcome)
                self.report.tell(outcome)
                advance()

            rows = prepared(self.sources.rows(), done, met)
            sending = Sending(gallery, record.gallery_id, rows, self.patience, tell)
            try:
                with stopped_by_signals(lambda: self._stop(sending)):
                    self.gave_up = await sending.run()
            finally:
                self.report.end(self.tally.counts())

    def _stop(self, sending: Sending) -> None:
        self.interrupted = True
        sending.stop()


async def _ensured(gallery: "AnyGallery", gallery_id: str) -> Gallery:
    try:
        return await gallery.get_gallery(gallery_id)
    except GalleryNotFound:
        try:
            created = await gallery.create_gallery(gallery_id)
        except GalleryAlreadyExists:
            return await gallery.get_gallery(gallery_id)
        say(f"created the gallery '{gallery_id}' for the model {created.model_name}")
        return created
