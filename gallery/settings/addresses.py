"""What an address or URL among the settings must look like, checked before anything is started."""

from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

SECRET = "secret"  # the type of an error whose input is not to be repeated


def listening_address(text: str) -> str:
    """Return ``text`` if it is host:port or unix:path; raises what pydantic tells as the setting's mistake."""
    _, colon, port = text.rpartition(":")
    if text.startswith("unix:") or (colon and port.isascii() and port.isdigit() and int(port) < 2**16):
        return text
    raise PydanticCustomError("address", "Input should be host:port with a port from 0 to 65535")


def http_urls(text: str) -> str:
    """Return ``text`` if it is http or https URLs with commas between, none with a password, which logs would show."""
    urls = [each.strip() for each in text.split(",") if each.strip()]
    if not urls or not all(map(_is_http_url, urls)):
        raise PydanticCustomError("url", "Input should be a URL such as http://qdrant:6333 or https://qdrant:6333")
    if any(urlsplit(url).username is not None for url in urls):
        raise PydanticCustomError(SECRET, "Input should be a URL without a name or password, which logs would show")
    return text


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # brackets that are no address, a port that is none
        return False
