"""Digests as the contract writes them."""

import base64
import hashlib

import rfc8785

from harness.client import Answer
from harness.expect import expect
from harness.untrusted.repr_digest import sha256_in


def sha256_hex(content: bytes) -> str:
    """The digest in 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def expect_repr_digest(answer: Answer, whole: bytes | None = None) -> None:
    """Fail unless `Repr-Digest`, where there is one, has the SHA-256 of the content (RFC 9530).

    `whole` is that content where the answer has only a part of it (RFC 9530, section 2). Bytes
    that a redirect led to may come without: their digest is in the record, or the manifest.
    """
    if answer.may_lack_digest or answer.lacks_header("repr-digest"):
        return
    content = answer.body if whole is None else whole
    expected = hashlib.sha256(content).digest()
    expect(
        sha256_in(answer.headers.get("repr-digest")) == expected,
        expected=f"Repr-Digest of {answer.operation_id}: "
        f"sha-256=:{base64.b64encode(expected).decode()}:",
        got=repr(answer.headers.get("repr-digest")),
        detail=f"a {answer.status} from {answer.path}, {len(content)} bytes in all",
        rule="download.digest",
        subject=answer.operation_id,
    )


def jcs_hash(document: object) -> str:
    """The SHA-256 of a document's RFC 8785 serialization.

    Raises `rfc8785.CanonicalizationError` for documents without one: NaN, integers beyond 2^53.
    """
    return sha256_hex(rfc8785.dumps(document))  # type: ignore[arg-type]
