"""What a user who downloaded an export can tell about it without asking anybody else."""

import base64
import binascii
import hashlib
import re

from harness.untrusted.archives import BadArchive, unpacked

_SHA256_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([^:]*):")


def download_problem(body: bytes, repr_digest: str | None, uploaded: bytes | None) -> str:
    """Say what is wrong with a downloaded proof pack, in a sentence; empty when nothing is.

    It must have the digest that `Repr-Digest` (RFC 9530) says, and be a ZIP with the uploaded file
    (None: with whatever is in it).
    """
    actual = hashlib.sha256(body)
    if (told := _told_sha256(repr_digest)) is None:
        return f"no sha-256 in Repr-Digest {repr_digest!r}"
    if told != actual.digest():
        return f"Repr-Digest says sha-256 {told.hex()}, the body has {actual.hexdigest()}"
    try:
        contents = unpacked(body).values()
    except BadArchive as error:
        return f"not a ZIP: {len(body)} bytes that begin with {body[:8]!r} ({error})"
    is_there = uploaded is None or uploaded in contents
    return "" if is_there else "the file that was uploaded is not in the ZIP"


def _told_sha256(repr_digest: str | None) -> bytes | None:
    match = _SHA256_DIGEST.search(repr_digest or "")
    try:
        return base64.b64decode(match[1], validate=True) if match else None
    except binascii.Error:
        return None
