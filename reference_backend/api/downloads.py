"""Downloads of stored objects: whole or a byte range, with their digest."""

import asyncio
import base64
import logging
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from reference_backend.api.context import services
from reference_backend.api.problems import Problem
from reference_backend.api.ranges import ByteRange, UnsatisfiableRangeError, parse_range
from reference_backend.storage.directory import Storage
from reference_backend.storage.objects import ObjectMissing, StorageUnavailable

_log = logging.getLogger(__name__)

# Characters with a meaning for shells or file systems.
_UNSAFE_IN_NAMES = frozenset(':*?"<>|')
_MAX_NAME = 150
IDLE_S = 60.0
"""A client that reads nothing for this long is disconnected."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """A stored object and what the headers say about it."""

    storage_path: str
    size: int
    sha256: str
    content_type: str
    file_name: str


def repr_digest(sha256: str) -> str:
    """The value of a Repr-Digest header (RFC 9530), from a digest in hex."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def attachment(file_name: str) -> str:
    """Content-Disposition with a safe file name, in both forms of RFC 6266."""
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", file_name))[-1]
    safe = "".join(
        "_" if c in _UNSAFE_IN_NAMES or unicodedata.category(c).startswith("C") else c for c in base
    )
    safe = safe.strip(" .")[-_MAX_NAME:] or "file"
    plain = "".join(c if c.isascii() and c not in "%'" else "_" for c in safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


async def send(request: web.Request, download: Download) -> web.StreamResponse:
    """Answer with the object or the requested byte range.

    Raises a 416 or 503 Problem, or StorageUnavailable, before the first byte is sent.
    """
    requested = _requested_part(request, download)
    part = requested or ByteRange(start=0, stop=download.size, size=download.size)
    storage = services(request).storage
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-transform",
        "Content-Disposition": attachment(download.file_name),
        "ETag": f'"{download.sha256}"',
        "Repr-Digest": repr_digest(download.sha256),
        "X-Content-Type-Options": "nosniff",
    }
    if requested:
        headers["Content-Range"] = part.content_range
    response = web.StreamResponse(status=206 if requested else 200, headers=headers)
    response.content_type = download.content_type
    response.content_length = part.length
    await _require_whole(storage, download)
    chunks = aiter(storage.read(download.storage_path, start=part.start, length=part.length))
    first = await anext(chunks, b"")  # opened, or refused, before the answer begins
    await response.prepare(request)
    if request.method != "HEAD":
        await _stream(request, response, first, chunks)
    return response


def _requested_part(request: web.Request, download: Download) -> ByteRange | None:
    only_if = request.headers.get("If-Range")
    if only_if is not None and only_if != f'"{download.sha256}"':
        return None
    try:
        return parse_range(request.headers.get("Range"), download.size)
    except UnsatisfiableRangeError as error:
        raise Problem(
            "range_not_satisfiable",
            f"The file has {download.size} bytes.",
            headers={"Content-Range": f"bytes */{download.size}"},
        ) from error


async def _require_whole(storage: Storage, download: Download) -> None:
    """Refuse to serve an object whose size has changed: part of a proof is worse than none."""
    try:
        size = await storage.size(download.storage_path)
    except ObjectMissing:
        size = -1
    if size != download.size:
        _log.error(
            "object %s: expected %d bytes, got %s",
            *(download.storage_path, download.size, "no object" if size < 0 else size),
        )
        raise Problem("storage_unavailable", "The stored object cannot be read in full.")


async def _stream(
    request: web.Request,
    response: web.StreamResponse,
    first: bytes,
    rest: AsyncIterator[bytes],
) -> None:
    try:
        chunk = first
        while chunk:
            async with asyncio.timeout(IDLE_S):
                await response.write(chunk)
            chunk = await anext(rest, b"")
        await response.write_eof()
    except ConnectionError:
        pass  # the client is gone
    except (StorageUnavailable, TimeoutError) as error:
        # The status was sent already: only closing the connection can report the error.
        _log.error("%s: the download was aborted: %r", request.path, error)
        if request.transport is not None:
            request.transport.abort()
