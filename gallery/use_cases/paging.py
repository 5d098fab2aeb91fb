"""Pages of a listing (AIP-158): the token names the last item shown, opaque to the caller."""

import base64
import binascii
import hashlib

from gallery.errors import InvalidParameter

MAX_PAGE_SIZE = 1000

_SEAL = 6  # bytes


def checked_page_size(page_size: int) -> int:
    """Return ``page_size``; raises InvalidParameter when it is not 1 to MAX_PAGE_SIZE."""
    if not 0 < page_size <= MAX_PAGE_SIZE:
        raise InvalidParameter(f"the page size is {page_size}", expected=f"1 to {MAX_PAGE_SIZE}")
    return page_size


def token_of(listing: str, last: str) -> str:
    """Write the token of the page of ``listing`` that begins after ``last``."""
    return base64.urlsafe_b64encode(_seal(listing, last) + last.encode()).decode()


def last_shown(listing: str, page_token: str) -> str:
    """Read the last item of the page before; raises InvalidParameter for a token never given out for ``listing``."""
    if not page_token:
        return ""
    try:
        token = base64.b64decode(page_token, altchars=b"-_", validate=True)
        last = token[_SEAL:].decode()
    except (binascii.Error, ValueError):
        token, last = b"", ""
    if token[:_SEAL] != _seal(listing, last):
        raise InvalidParameter(
            "the page token was never given out for this listing", expected="the next_page_token of the page before"
        )
    return last


def _seal(listing: str, last: str) -> bytes:
    """Compute a token's checksum, by which one of another listing, or a mistyped one, is noticed; it is no secret."""
    return hashlib.sha256(f"{listing}\n{last}".encode()).digest()[:_SEAL]
