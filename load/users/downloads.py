"""What a user can see of a downloaded export: its digest, and the files in it."""

import base64
import binascii
import hashlib
import re

from harness.untrusted.archives import BadArchive, unpacked

_SHA256_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([^:]*):")


_RULES = {
    "no sha-256 in Repr-Digest": "download.digest",
    "Repr-Digest says": "download.digest",
    "not a ZIP": "export.archive",
    "the file that was uploaded is not in the ZIP": "export.proof-pack-complete",
}


def rule_of(problem: str) -> str:
    """Give the rule that a problem of a download breaks, by how it begins; else none."""
    return next((rule for begin, rule in _RULES.items() if problem.startswith(begin)), "")


def download_problem(body: bytes, repr_digest: str | None, uploaded: bytes | None) -> str:
    """Describe what is wrong with a downloaded proof pack; empty when nothing is.

    It must have the digest that `Repr-Digest` (RFC 9530) says, and be a ZIP with the uploaded file
    (None: with any files).
    """
    actual = hashlib.sha256(body)
    if (expected := _sha256_in(repr_digest)) is None:
        return f"no sha-256 in Repr-Digest {repr_digest!r}"
    if expected != actual.digest():
        return f"Repr-Digest says sha-256 {expected.hex()}, the body has {actual.hexdigest()}"
    try:
        contents = unpacked(body).values()
    except BadArchive as error:
        return f"not a ZIP: {len(body)} bytes that begin with {body[:8]!r} ({error})"
    is_there = uploaded is None or uploaded in contents
    return "" if is_there else "the file that was uploaded is not in the ZIP"


def _sha256_in(repr_digest: str | None) -> bytes | None:
    match = _SHA256_DIGEST.search(repr_digest or "")
    try:
        return base64.b64decode(match[1], validate=True) if match else None
    except binascii.Error:
        return None
