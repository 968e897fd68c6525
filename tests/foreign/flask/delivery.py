"""Bytes on their way out: whole or in part, with the digest of the whole, never to be rendered."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Request, Response
from tests.foreign.flask.refusals import Refusal

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._ -]")
_NAME_CHARACTERS = 100


@dataclass(frozen=True, kw_only=True)
class Part:
    """Bytes `first` to `last`, both included, of a whole of `size`."""

    first: int
    last: int
    size: int

    @property
    def length(self) -> int:
        """How many bytes that is."""
        return self.last - self.first + 1


def asked_part(header: str | None, size: int) -> Part | None:
    """The one range that was asked for; None for none, several, or what is no range (RFC 9110).

    Raises a 416 `Refusal` where the whole has no byte of it.
    """
    found = _RANGE.fullmatch(header or "")
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    if first:
        part = Part(first=int(first), last=min(int(last or size - 1), size - 1), size=size)
    else:
        part = Part(first=max(size - int(last), 0), last=size - 1, size=size)
    if part.first >= size or part.length <= 0:
        raise Refusal(416, "no_such_range", f"There are {size} bytes.")
    return part


def send(request: Request, path: Path, *, sha256: str, media_type: str, name: str) -> Response:
    """Answer with the file at `path`, or with the part of it that was asked for.

    Raises a 416 or, where the bytes are gone, a 503 `Refusal`.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise Refusal(
            503, "bytes_gone", "The bytes cannot be had at the moment.", retry_after_s=5
        ) from error
    tag = f'"{sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{_plain(name)}"',
        "ETag": tag,
        "Repr-Digest": digest_header(sha256),
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("If-Range", tag) != tag:
        part = None
    else:
        try:
            part = asked_part(request.headers.get("Range"), size)
        except Refusal as refusal:
            refusal.headers["Content-Range"] = f"bytes */{size}"
            raise
    sent = part or Part(first=0, last=size - 1, size=size)
    body = pieces(path, sent) if request.method != "HEAD" else iter(())
    answer = Response(body, 206 if part else 200, headers, content_type=media_type)
    answer.content_length = sent.length
    if part:
        answer.headers["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    return answer


def digest_header(sha256: str) -> str:
    """The digest of the whole, whatever part is sent (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def pieces(path: Path, part: Part) -> Iterator[bytes]:
    """The bytes of the part, a little at a time."""
    left = part.length
    with path.open("rb") as file:
        file.seek(part.first)
        while left > 0 and (piece := file.read(min(_CHUNK, left))):
            left -= len(piece)
            yield piece


def _plain(name: str) -> str:
    return _UNSAFE.sub("_", name)[-_NAME_CHARACTERS:] or "file"
