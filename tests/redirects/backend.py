"""The reference backend with its objects behind signed addresses: a process of the tests.

A download is a redirect to `/storage/…?expires=…&signature=…`, which needs no token, has no digest
and ends working after `LASTS_S`. `REDIRECT_DEFECT` names bugs of it.
"""

import hashlib
import hmac
import os
import sys
import time
from urllib.parse import quote, urlencode

from aiohttp import web

from reference_backend import __main__ as reference
from reference_backend.api import application, downloads, evidence
from reference_backend.api.context import Services, services
from reference_backend.api.downloads import Download
from reference_backend.api.problems import Problem
from reference_backend.api.ranges import ByteRange, UnsatisfiableRangeError, parse_range
from reference_backend.storage.objects import ObjectMissing

LASTS_S = 2
_KEY = b"only for tests on loopback"
_ON = os.environ.get("REDIRECT_DEFECT", "").split(",")

DEFECTS = {
    "foreign-redirected": "an id of another organization is redirected, too",
    "never-expires": "an address works for ever",
    "expiry-unsigned": "who changes the time in an address makes it last",
    "signature-unchecked": "any signature opens an object",
    "path-unsigned": "the signature of one object opens every other one",
    "head-unchecked": "HEAD asks for no signature",
    "needs-token": "the address is refused without the token",
    "token-in-address": "the address has the token of its user in it",
    "other-bytes": "the address gives other bytes",
    "range-ignored": "the address gives the first byte for every Range",
    "leads-to-user": "the address names a user",
}
"""What it can have wrong."""


def has(defect: str) -> bool:
    """Whether this bug is switched on."""
    return defect in _ON


def signature(path: str, expires: str) -> str:
    """The signature of an address."""
    signed = "" if has("path-unsigned") else path
    until = "" if has("expiry-unsigned") else expires
    return hmac.new(_KEY, f"{signed} {until}".encode(), hashlib.sha256).hexdigest()


async def redirect(request: web.Request, download: Download) -> web.StreamResponse:
    """Send the client to where the object is."""
    path = f"/storage/{quote(download.storage_path)}"
    expires = str(int(time.time()) + LASTS_S)
    asked = {"expires": expires, "signature": signature(path, expires)}
    asked |= {"type": download.content_type, "name": download.file_name}
    if has("token-in-address"):
        asked["access_token"] = request.headers["Authorization"].removeprefix("Bearer ")
    # One of them is whole, the other is relative to the request.
    begin = f"http://{request.host}" if download.content_type == "application/zip" else ""
    if has("leads-to-user"):
        begin = f"http://someone@{request.host}"
    return web.Response(status=302, headers={"Location": f"{begin}{path}?{urlencode(asked)}"})


async def give(request: web.Request) -> web.StreamResponse:
    """Give an object, or a part of it, to whoever has its address."""
    if not is_open(request):
        return web.Response(status=403, text="<Error>AccessDenied</Error>", content_type="text/xml")
    storage, path = services(request).storage, request.match_info["path"]
    try:
        size = await storage.size(path)
    except ObjectMissing:
        return web.Response(status=404)
    headers = {
        "Content-Type": request.query.get("type", "application/octet-stream"),
        "Content-Disposition": downloads.attachment(request.query.get("name", "file")),
        "X-Content-Type-Options": "nosniff",
        "Set-Cookie": "storage=1",
    }
    try:
        part = parse_range(request.headers.get("Range"), size)
    except UnsatisfiableRangeError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, stop = (0, size) if part is None or "If-Range" in request.headers else span(part)
    chunks = storage.read(path, start=start, length=stop - start)
    content = b"".join([chunk async for chunk in chunks])
    if has("other-bytes"):
        content = content[:-1] + b"?"
    if part is None or "If-Range" in request.headers:
        return web.Response(body=content, headers=headers)
    headers["Content-Range"] = part.content_range
    return web.Response(status=206, body=content, headers=headers)


def span(part: ByteRange) -> tuple[int, int]:
    """Where a part begins and ends."""
    return (0, 1) if has("range-ignored") else (part.start, part.stop)


def is_open(request: web.Request) -> bool:
    """Whether an address is one that was given, and still works."""
    if "Cookie" in request.headers or ("Authorization" in request.headers) != has("needs-token"):
        return False  # who sends a token to a storage has given it away
    if has("head-unchecked") and request.method == "HEAD":
        return True
    expires, given = request.query.get("expires", ""), request.query.get("signature", "")
    if not expires.isdigit() or (int(expires) < time.time() and not has("never-expires")):
        return False
    expected = signature(request.rel_url.raw_path, expires)
    return has("signature-unchecked") or hmac.compare_digest(given, expected)


def put_objects_behind_addresses() -> None:
    """Redirect downloads, and serve what they lead to."""
    build, get_content = application.build, evidence.get_content

    def built(services: Services) -> web.Application:
        made = build(services)
        made.router.add_get("/storage/{path:.+}", give)
        return made

    async def get_any(request: web.Request) -> web.StreamResponse:
        try:
            return await get_content(request)
        except Problem:
            return web.Response(status=302, headers={"Location": "/storage/none?signature=none"})

    application.build = built
    downloads.send = redirect
    if has("foreign-redirected"):
        evidence.get_content = get_any


if __name__ == "__main__":
    put_objects_behind_addresses()
    sys.exit(reference.main(sys.argv[1:]))
