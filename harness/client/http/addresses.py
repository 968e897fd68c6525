"""Addresses in answers, resolved as RFC 3986 (section 5) says."""

from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class ElsewhereError(ValueError):
    """The address leads to another server, or is none; the message says which."""


def resolved(reference: str, base_url: str, path: str) -> tuple[str, str]:
    """Give the server and path that a reference in an answer to `base_url + path` leads to.

    The server is `base_url` where the address is below it; else the same server without the
    path that all requests begin with. Raises `ElsewhereError`.
    """
    there, here = urlsplit(absolute(reference, base_url, path)), urlsplit(base_url)
    if _server(there) != _server(here) or there.username is not None:
        raise ElsewhereError("it leads to another server")
    query = f"?{there.query}" if there.query else ""
    below = here.path.rstrip("/")
    if below and (there.path == below or there.path.startswith(f"{below}/")):
        return base_url, (there.path[len(below) :] or "/") + query
    origin = f"{here.scheme}://{here.netloc}" if below else base_url
    return origin, (there.path or "/") + query


def absolute(reference: str, base_url: str, path: str) -> str:
    """Give the whole address, without its fragment, that a reference in an answer stands for.

    Raises `ElsewhereError` for what is no address.
    """
    if not reference or not all("!" <= letter <= "~" for letter in reference) or "\\" in reference:
        raise ElsewhereError("it is no address (RFC 3986)")
    try:
        address, _ = urldefrag(urljoin(base_url + path, reference))
        _server(urlsplit(address))  # a port that is no number is found out when it is asked for
    except ValueError as error:
        raise ElsewhereError(f"it is no address ({error})") from error
    return address


def _server(address: SplitResult) -> tuple[str, str, int | None]:
    return (
        address.scheme,
        (address.hostname or "").rstrip("."),
        address.port or DEFAULT_PORTS.get(address.scheme),
    )
