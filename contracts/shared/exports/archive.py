"""The ZIP of an export, opened with distrust."""

from pathlib import PurePosixPath

from contracts.shared.resources.digests import sha256_hex
from harness.client import Answer, Sample
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status
from harness.untrusted.archives import BadArchive, unpacked
from harness.untrusted.documents import BadDocument, parse


def unpack(answer: Answer) -> dict[str, bytes]:
    """Give the entries of a downloaded ZIP by their path, the contract's own by its names for them.

    Fails the check when it is no ZIP, when an entry is damaged, doubled or leaves the folder
    that somebody unpacks it to.
    """
    expect_status(answer, 200)
    expect_equal(
        answer.headers.get("content-type", "").partition(";")[0],
        "application/zip",
        f"the Content-Type of {answer.operation_id}",
    )
    try:
        entries = dict(unpacked(answer.body))
    except BadArchive as error:
        raise CheckFailed(
            expected=f"a valid ZIP from {answer.path}",
            got=f"{len(answer.body)} bytes that begin with {answer.body[:16]!r}: {error}",
        ) from error
    for name in entries:
        path = PurePosixPath(name)
        expect(
            not path.is_absolute() and ".." not in path.parts and "\\" not in name,
            expected="entries of the ZIP to stay in the folder it is unpacked to",
            got=repr(name),
        )
    return {answer.dialect.contract_file_name(name): content for name, content in entries.items()}


def expect_evidence_in(entries: dict[str, bytes], uploaded: dict[str, Sample]) -> None:
    """Fail unless the ZIP holds every uploaded file's bytes, a manifest and the ledger."""
    for name in ("manifest.json", "ledger.json"):
        expect(name in entries, expected=f"{name} in the proof pack", got=str(sorted(entries)))
    try:
        parse(entries["ledger.json"])
    except BadDocument as error:
        raise CheckFailed(expected="the chain as JSON in ledger.json", got=str(error)) from error
    digests = {sha256_hex(content) for content in entries.values()}
    for evidence_id, sample in uploaded.items():
        expect(
            sample.sha256 in digests,
            expected=f"the bytes of evidence {evidence_id} ({sample.mime_type}) in the proof pack",
            got=f"{len(entries)} entries, none with its digest: {sorted(entries)}",
        )
