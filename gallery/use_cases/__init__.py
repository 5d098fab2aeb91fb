"""What the gallery does: enrol and recognise, get, list and erase, calibrate and care for what is there.

The command line calls these methods directly on a store folder, the RPCs call them for the network, and the
client has the same methods; all of them speak in the values of `gallery.domain`.
"""

from gallery.use_cases.bulk_enrolment import BulkEnrolment
from gallery.use_cases.caretaker import Caretaker
from gallery.use_cases.changes import Changes
from gallery.use_cases.enrolment import MAX_IMAGES_PER_ENROLMENT, Enrolment
from gallery.use_cases.exporting import Exporting
from gallery.use_cases.galleries import Galleries
from gallery.use_cases.identify_stream import ITEMS_IN_FLIGHT, IdentifyStreams
from gallery.use_cases.identities import Identities
from gallery.use_cases.paging import MAX_PAGE_SIZE
from gallery.use_cases.recognition import DEFAULT_MAX_CANDIDATES, MAX_CANDIDATES
from gallery.use_cases.trusted_clock import TrustedClock
from gallery.use_cases.upkeep import Upkeep

__all__ = [
    "DEFAULT_MAX_CANDIDATES",
    "ITEMS_IN_FLIGHT",
    "MAX_CANDIDATES",
    "MAX_IMAGES_PER_ENROLMENT",
    "MAX_PAGE_SIZE",
    "Caretaker",
    "GalleryUseCases",
    "TrustedClock",
]


class GalleryUseCases(Galleries, Enrolment, BulkEnrolment, IdentifyStreams, Identities, Upkeep, Changes, Exporting):
    """Every operation of the gallery, each kind in a file of its own."""
