"""Calibration: the threshold at which at most a target share of strangers is taken for somebody.

Pure functions on arrays: no store and no RPC. `calibrate` sets the threshold of a gallery as it is, `corrected`
carries it to the size the gallery has grown to.
"""

from gallery.calibration.drift import Among, Sighting, sighting
from gallery.calibration.enrolled import Enrolled
from gallery.calibration.genuine import DEFAULT_MARGIN, person_means
from gallery.calibration.promise import Aim, calibrate, corrected, effective_number
from gallery.calibration.tail import Scores

__all__ = [
    "DEFAULT_MARGIN",
    "Aim",
    "Among",
    "Enrolled",
    "Scores",
    "Sighting",
    "calibrate",
    "corrected",
    "effective_number",
    "person_means",
    "sighting",
]
