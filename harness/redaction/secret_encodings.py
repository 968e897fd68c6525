"""What a secret looks like after it was quoted, escaped or encoded."""

import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

SHORTEST_SECRET = 4
"""Hiding shorter ones would hide half of every text, and guard nothing."""

_SHORTEST_PART = 8
"""Of a line, of a token's part and of a base64 text: shorter ones are words of other texts too."""

_TOKEN = re.compile(r"[\w-]+\.([\w-]+)\.([\w-]+)")
_PASSWORD = re.compile(r"\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)
_PERCENT = re.compile(r"%[0-9A-F]{2}")


def parts_of(secret: str) -> Iterator[str]:
    """Give what is as secret as the whole: passwords within a URL or DSN, a token's parts, lines.

    A token's header is none: it is the same in everybody's.
    """
    yield secret
    yield from passwords_of(secret)
    if token := _TOKEN.fullmatch(secret):
        yield from (part for part in token.groups() if len(part) >= _SHORTEST_PART)
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line for line in map(str.strip, lines) if len(line) >= _SHORTEST_PART)


def passwords_of(url: str) -> Iterator[str]:
    """Give the passwords in a URL or in libpq's `key=value` pairs, as written and decoded.

    An unquoted `@` or `/` makes the rest of a password part of the host: that counts as well.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme:
        for until in (rest, rest.partition("/")[0]):
            _, colon, password = until.rpartition("@")[0].partition(":")
            if colon and password:
                yield from (password, unquote(password))
                yield from password.split("@")
    for found in _PASSWORD.finditer(urlsplit(url).query if separator else url):
        text = found[1].partition("&")[0] if separator else found[1]
        quoted = text.startswith("'") and text.endswith("'")
        yield text
        yield re.sub(r"\\(.)", r"\1", text[1:-1]) if quoted else unquote(text)


def encodings_of(secret: str) -> Iterator[str]:
    """Give the texts that a secret appears as: plain, URL-quoted, escaped, in hex and base64."""
    yield secret
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield quoted
        yield _PERCENT.sub(lambda found: found[0].lower(), quoted)
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    raw = secret.encode("utf-8", "surrogateescape")
    if len(raw) >= _SHORTEST_PART:
        yield raw.hex()
        yield raw.hex().upper()
    yield from _in_base64(raw)


def _in_base64(raw: bytes) -> Iterator[str]:
    """Give what is left of it in base64, at any place in a longer text (`user:password`).

    Three bytes become four letters: there are three ways to begin, and the letters at both ends
    that depend on the neighbors are left out.
    """
    for before in range(3):
        first = (0, 2, 3)[before]
        whole = (before + len(raw)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            text = encode(b"\0" * before + raw).decode()[first:whole]
            if len(text) >= _SHORTEST_PART:
                yield text


def base64_decodings(text: str) -> Iterator[str]:
    """Decode base64 letters in four ways: each of the first four letters may begin a group."""
    letters = text.rstrip("=").replace("-", "+").replace("_", "/")
    for start in range(4):
        usable = letters[start : start + (len(letters) - start) // 4 * 4]
        yield b64decode(usable).decode("latin-1")
