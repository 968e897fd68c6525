"""URLs, tokens and ids as people paste them: what cannot work is refused with a word that helps.

The messages never repeat a token, nor a URL that holds a password.
"""

from urllib.parse import urlsplit

QUOTES = "\"'`"

_SCHEMES = ("http://", "https://")


def url_problem(url: str) -> str | None:
    """Say why this is no base URL of a backend, and what to write; None where it is one."""
    if problem := _letters_problem(url):
        return f"expected the URL of a backend alone, but it {problem}"
    if not url.lower().startswith(_SCHEMES):
        hint = "" if "://" in url or "@" in url else f"; did you mean http://{url}?"
        shown = "" if "@" in url else f', got "{url}"'
        return f"expected http://… or https://…{shown}{hint}"
    for mark, what in (("\\", "a backslash"), ("#", "a fragment (#…)"), ("?", "a query (?…)")):
        if mark in url:
            return (
                f"expected http(s)://host:port/path, but it holds {what}; leave it out: each "
                "request adds a path of its own"
            )
    try:
        parts = urlsplit(url)
        if parts.username is not None or "@" in parts.netloc:
            return (
                "expected http(s)://host:port/path, but it holds a user or password (…@host); "
                "leave it out: requests carry the bearer token of the user that they are of"
            )
        if not parts.hostname:
            return f'expected a host after {parts.scheme}://, got "{url}"'
        if parts.port == 0:
            return f'expected a port from 1 to 65535, got "{url}"'
    except ValueError as error:
        return f'expected http(s)://host:port/path, got "{url}": {error}'
    return None


def token_problem(token: str) -> str | None:
    """Say why no client could send this bearer token, and what to give; None for a good one."""
    if token[:7].lower() == "bearer ":
        return "expected the token alone, but it begins with `Bearer `, which requests add; drop it"
    if problem := _letters_problem(token):
        return f"expected the token alone, but it {problem}"
    return None


def id_problem(text: str) -> str | None:
    """Say why this is no id as a path can have it; None for a good one."""
    if problem := _letters_problem(text):
        return f"expected the id alone, but it {problem}"
    return None


def _letters_problem(text: str) -> str | None:
    if text[:1] in QUOTES or text[-1:] in QUOTES:
        return "stands in quotes; drop them (an env file may keep them, a shell does not)"
    if text.endswith(("\n", "\r")):
        return "ends with a line end; drop it"
    if text != text.strip():
        return "has blanks at its beginning or end; drop them"
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        return "holds blanks, line ends or control characters"
    if not text.isascii():
        return "holds letters outside ASCII"
    return None
