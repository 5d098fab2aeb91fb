"""Pictures from wherever callers have them, as encoded bytes; and pictures written to files."""

import os
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import cv2
import numpy as np

from gallery.domain import Pixels
from gallery.errors import InvalidImage, InvalidParameter

ArrayOrder: TypeAlias = Literal["RGB", "BGR"]
ImageSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Pixels


def read_source(source: ImageSource, *, array_order: ArrayOrder | None = None) -> bytes:
    """Read a path, bytes, a binary stream or an array as an encoded picture.

    An array is uint8 [height, width, 3] and must have its colour order named: OpenCV's is BGR, most others' RGB. It
    is encoded without loss (PNG). Raises InvalidImage and InvalidParameter; what the bytes hold is not looked at.
    """
    if isinstance(source, bytes):
        return source
    if isinstance(source, np.ndarray):
        return _encode_array(source, array_order)
    if isinstance(source, str | os.PathLike):
        try:
            return Path(source).read_bytes()
        except OSError as error:
            raise InvalidImage(
                f"the picture {os.fspath(source)} cannot be read ({error.strerror})", expected="a readable file"
            ) from error
        except ValueError as error:
            raise InvalidParameter(f"{os.fspath(source)!r} is no path ({error})") from error
    content = source.read()
    if not isinstance(content, bytes):
        raise InvalidParameter("the stream gives no bytes", remedy="open it in binary mode, open(path, 'rb')")
    return content


def write_image(path: Path, image: Pixels) -> None:
    """Write uint8 RGB to a file whose suffix names its format; raises InvalidParameter."""
    try:
        written, encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    except cv2.error:
        written = False
    if not written:
        raise InvalidParameter(
            f"no picture can be written as {path.name}", expected="a name that ends in .jpg, .png, .webp or .bmp"
        )
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise InvalidParameter(f"{path} cannot be written ({error.strerror})", expected="a writable place") from error


def _encode_array(image: Pixels, order: ArrayOrder | None) -> bytes:
    if order is None:
        raise InvalidParameter(
            "the array's colour order is not known", expected="array_order='BGR' (OpenCV's) or 'RGB'"
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InvalidImage(
            f"the array is {image.dtype} of shape {image.shape}", expected="uint8 of shape [height, width, 3]"
        )
    bgr = image if order == "BGR" else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
