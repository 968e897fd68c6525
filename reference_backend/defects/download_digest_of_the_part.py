"""The digest is computed over the bytes that are sent, also for a range."""

import hashlib

from aiohttp import web

from reference_backend.api import downloads
from reference_backend.api.context import services
from reference_backend.api.downloads import Download, send
from reference_backend.api.ranges import parse_range
from reference_backend.defects import Defect


async def _send(request: web.Request, download: Download) -> web.StreamResponse:
    part = parse_range(request.headers.get("Range"), download.size)
    if part is None:
        return await send(request, download)
    sent = hashlib.sha256()
    async for chunk in services(request).storage.read(
        download.storage_path, start=part.start, length=part.length
    ):
        sent.update(chunk)
    return await send(request, _replaced(download, sent.hexdigest()))


def _replaced(download: Download, sha256: str) -> Download:
    return Download(
        storage_path=download.storage_path,
        size=download.size,
        sha256=sha256,
        content_type=download.content_type,
        file_name=download.file_name,
    )


def _patch() -> None:
    downloads.send = _send


DEFECT = Defect(
    title="Repr-Digest of a 206 is the digest of the part, which is what Content-Digest is for",
    source="RFC 9530, sections 2 and 3: the two are easily mixed up",
    expected=("upload.content-fidelity",),
    patch=_patch,
)
