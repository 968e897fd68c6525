"""The digest that an answer says its whole content has: the header `Repr-Digest` (RFC 9530)."""

import base64
import binascii
import re

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([^:]*):")


def sha256_in(repr_digest: str | None) -> bytes | None:
    """Give the SHA-256 in a `Repr-Digest`; None where it has none, or none that can be read."""
    found = _SHA256.search(repr_digest or "")
    try:
        return base64.b64decode(found[1], validate=True) if found else None
    except binascii.Error:
        return None
