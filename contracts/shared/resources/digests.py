"""Digests as the contract writes them."""

import base64
import hashlib

import rfc8785

from harness.client import Answer
from harness.expect import expect_equal


def sha256_hex(content: bytes) -> str:
    """The digest in 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def expect_repr_digest(answer: Answer) -> None:
    """Fail the check unless `Repr-Digest` (RFC 9530) is that of the body it came with."""
    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    expect_equal(
        answer.headers.get("repr-digest"),
        f"sha-256=:{digest}:",
        f"the Repr-Digest of {answer.operation_id}",
        detail=f"{answer.method} {answer.path}, {len(answer.body)} bytes",
    )


def jcs_hash(document: object) -> str:
    """The SHA-256 of a document's RFC 8785 serialization.

    Raises `rfc8785.CanonicalizationError` for what has none: NaN, integers beyond 2^53.
    """
    return sha256_hex(rfc8785.dumps(document))  # type: ignore[arg-type]
