"""The ZIP of an export, read as untrusted data."""

from pathlib import PurePosixPath

from contracts.shared.resources.digests import sha256_hex
from harness.asks import ask, leave_out
from harness.client import Answer, Sample
from harness.errors import Absent, CheckFailed
from harness.expect import expect, expect_equal, expect_status
from harness.target.contract.dialect import LEDGER_FILE_ASKED
from harness.untrusted.archives import BadArchive, unpacked
from harness.untrusted.documents import BadDocument, parse
from harness.vocabulary.exports import LEDGER_FILE, MANIFEST_FILE

ARCHIVE = "export.archive"
"""The rule that a download is a ZIP that can be unpacked without harm."""

COMPLETE = "export.proof-pack-complete"
"""The rule that a proof pack has everything."""


class Entries(dict[str, bytes]):
    """The entries of a ZIP by path, under the contract's names for them."""

    has_ledger_file = True
    """Whether the target says that exports hold the ledger."""

    def needs_ledger_file(self) -> None:
        """Raise `Absent` where the target declares that exports hold no ledger, and there is none.

        This cell is about it.
        """
        if self.has_ledger_file or LEDGER_FILE in self:
            ask(LEDGER_FILE_ASKED, part=True)
            return
        leave_out(LEDGER_FILE_ASKED)
        raise Absent(LEDGER_FILE_ASKED, '[contract.archive] ledger = ""')


def unpack(answer: Answer) -> Entries:
    """Give the entries of a downloaded ZIP by path, under the contract's names for them.

    Fails the check when it is not a ZIP, when an entry is damaged or duplicated, or when an entry
    would leave the folder that the ZIP is unpacked to.
    """
    subject = answer.operation_id
    expect_status(answer, 200, rule=ARCHIVE)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    what = f"Content-Type of {subject}"
    expect_equal(kind, "application/zip", what, rule=ARCHIVE, subject=subject)
    try:
        entries = dict(unpacked(answer.body))
    except BadArchive as error:
        raise CheckFailed(
            expected=f"a valid ZIP from {answer.path}",
            got=f"{len(answer.body)} bytes, first {answer.body[:16]!r}: {error}",
            rule=ARCHIVE,
            subject=subject,
        ) from error
    for name in entries:
        path = PurePosixPath(name)
        expect(
            not path.is_absolute() and ".." not in path.parts and "\\" not in name,
            expected="entries of the ZIP only below the folder that it is unpacked to",
            got=repr(name),
            rule=ARCHIVE,
            subject=subject,
        )
    named = Entries(
        {answer.dialect.contract_file_name(name): content for name, content in entries.items()}
    )
    named.has_ledger_file = answer.dialect.has_ledger_file
    return named


def expect_named_files_in(entries: Entries) -> None:
    """Fail unless the ZIP of a proof pack holds a manifest and, where exports do, the ledger."""
    has_ledger = entries.has_ledger_file or LEDGER_FILE in entries
    for name in (MANIFEST_FILE, LEDGER_FILE) if has_ledger else (MANIFEST_FILE,):
        expect(
            name in entries,
            expected=f"{name} in the proof pack",
            got=str(sorted(entries)),
            rule=COMPLETE,
            subject=name,
        )
    if not has_ledger:
        return
    try:
        parse(entries["ledger.json"])
    except BadDocument as error:
        raise CheckFailed(
            expected="JSON in ledger.json", got=str(error), rule=COMPLETE, subject="ledger.json"
        ) from error


def expect_evidence_in(entries: dict[str, bytes], uploaded: dict[str, Sample]) -> None:
    """Fail unless the ZIP of a proof pack holds every uploaded file's bytes."""
    digests = {sha256_hex(content) for content in entries.values()}
    for evidence_id, sample in uploaded.items():
        expect(
            sample.sha256 in digests,
            expected=f"the file of evidence {evidence_id} ({sample.mime_type}) in the proof pack",
            got=f"{len(entries)} entries, none with its SHA-256: {sorted(entries)}",
            rule=COMPLETE,
            subject="evidence files",
        )
