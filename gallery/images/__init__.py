"""From bytes, a path, a stream or an array to the model's input: the one preprocessing.

    files     a path, bytes, a stream or an array, as the bytes of a picture
    headers   what those bytes claim to hold, read by hand
    decoding  bytes to pixels, within limits
    people    each person of a picture, cut out and fitted
    fitting   resizing without aliasing

Training, evaluation, export and serving all come through `people_of` and `fitted`. Nothing is decoded before its
header was read and found within the limits, and nothing in more pixels than are needed.
"""

from gallery.images.decoding import DEFAULT_LIMITS, ImageLimits, decode, settle_decoders
from gallery.images.files import ArrayOrder, ImageSource, read_source, write_image
from gallery.images.fitting import fit, fit_to_measure
from gallery.images.people import Person, crop, fitted, people_of, prepare

__all__ = [
    "DEFAULT_LIMITS",
    "ArrayOrder",
    "ImageLimits",
    "ImageSource",
    "Person",
    "crop",
    "decode",
    "fit",
    "fit_to_measure",
    "fitted",
    "people_of",
    "prepare",
    "read_source",
    "settle_decoders",
    "write_image",
]
