"""Pages of a listing (AIP-158): the token names the last item shown, opaque to the caller."""

import base64
import binascii

from gallery.errors import InvalidParameter

MAX_PAGE_SIZE = 1000


def checked_page_size(page_size: int) -> int:
    """Return ``page_size``; raises InvalidParameter when it is not 1 to MAX_PAGE_SIZE."""
    if not 0 < page_size <= MAX_PAGE_SIZE:
        raise InvalidParameter(f"the page size is {page_size}", expected=f"1 to {MAX_PAGE_SIZE}")
    return page_size


def token_of(last: str) -> str:
    """Write the token of the page that begins after ``last``."""
    return base64.urlsafe_b64encode(last.encode()).decode()


def last_shown(page_token: str) -> str:
    """Read the last item of the page before; raises InvalidParameter for a token of somebody else's."""
    try:
        return base64.b64decode(page_token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidParameter(
            "the page token was not made by this service", expected="the next_page_token of the page before"
        ) from error
