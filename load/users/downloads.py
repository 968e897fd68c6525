"""What a user can see of a downloaded export: its digest, and the files in it."""

import hashlib

from harness.checkers.download import file_problem
from harness.client.answers.answer import Answer
from harness.untrusted.archives import BadArchive, unpacked
from harness.untrusted.repr_digest import sha256_in
from load.users.redirects import LED_NOWHERE

_RULES = {
    "no sha-256 in Repr-Digest": "download.digest",
    "Repr-Digest says": "download.digest",
    "not a ZIP": "export.archive",
    "the file that was uploaded is not in the ZIP": "export.proof-pack-complete",
    "its manifest": "manifest.files-match",
    LED_NOWHERE: "download.redirect",
}


def rule_of(problem: str) -> str:
    """Give the rule that a problem of a download breaks, by how it begins; else none."""
    return next((rule for begin, rule in _RULES.items() if problem.startswith(begin)), "")


def download_problem(answer: Answer, uploaded: bytes | None) -> str:
    """Describe what is wrong with a downloaded proof pack; empty when nothing is.

    It must have the digest that `Repr-Digest` (RFC 9530) says, or where there need be none the
    digests of its manifest, and be a ZIP with the uploaded file (None: with any files).
    """
    body, repr_digest = answer.body, answer.headers.get("repr-digest")
    actual = hashlib.sha256(body)
    may_lack_digest = answer.may_lack_digest or answer.lacks_header("repr-digest")
    if not may_lack_digest:
        if (expected := sha256_in(repr_digest)) is None:
            return f"no sha-256 in Repr-Digest {repr_digest!r}"
        if expected != actual.digest():
            return f"Repr-Digest says sha-256 {expected.hex()}, the body has {actual.hexdigest()}"
    try:
        contents = unpacked(body)
    except BadArchive as error:
        return f"not a ZIP: {len(body)} bytes that begin with {body[:8]!r} ({error})"
    if may_lack_digest and (problem := file_problem(contents, answer.dialect)):
        return f"its manifest: {problem}"
    is_there = uploaded is None or uploaded in contents.values()
    return "" if is_there else "the file that was uploaded is not in the ZIP"
