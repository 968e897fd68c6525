import io
import warnings
import zipfile

import pytest

from contracts.shared.exports.archive import (
    Entries,
    expect_evidence_in,
    expect_named_files_in,
    unpack,
)
from contracts.shared.resources.prometheus import total_of
from harness.client import Answer, Sample
from harness.errors import Absent, CheckFailed


def download(body: bytes, content_type: str = "application/zip") -> Answer:
    return Answer(
        operation_id="downloadExport",
        method="GET",
        path="/api/exports/1/download",
        instance=0,
        status=200,
        headers={"content-type": content_type},
        body=body,
        elapsed_s=0.01,
    )


def zipped(*entries: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_entries_are_given_by_their_path() -> None:
    body = zipped(("evidence/a.png", b"a"), ("manifest.json", b"{}"))
    assert unpack(download(body)) == {"evidence/a.png": b"a", "manifest.json": b"{}"}


def doubled() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return zipped(("a", b"1"), ("a", b"2"))


def damaged() -> bytes:
    body = bytearray(zipped(("a", b"content")))
    body[body.index(b"content")] ^= 1
    return bytes(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"data": {}}',
        zipped(("a", b"content"))[:-10],
        damaged(),
        doubled(),
        zipped(("../../etc/passwd", b"x")),
        zipped(("/etc/passwd", b"x")),
        zipped((r"..\windows", b"x")),
    ],
    ids=["empty", "json", "cut", "damaged", "doubled", "parent", "absolute", "backslash"],
)
def test_a_bad_archive_fails_the_check(body: bytes) -> None:
    with pytest.raises(CheckFailed):
        unpack(download(body))


def test_another_content_type_fails_the_check() -> None:
    with pytest.raises(CheckFailed, match="Content-Type"):
        unpack(download(zipped(("a", b"")), "application/octet-stream"))


METRICS = """\
# HELP export_claim_fallback_total Claims without the function
# TYPE export_claim_fallback_total counter
export_claim_fallback_total{worker="w 1"} 2.0
export_claim_fallback_total{worker="w}2"} 1e1 1712000000
export_claim_fallback_total_created 5
export_stuck_jobs 0
"""


def test_metrics_are_added_up_over_their_labels() -> None:
    assert total_of(METRICS, "export_claim_fallback_total") == 12
    assert total_of(METRICS, "export_stuck_jobs") == 0
    assert total_of(METRICS, "ledger_hash_mismatch_total") is None


def test_a_lost_file_is_seen_in_a_zip_without_a_ledger() -> None:
    sample = Sample("a.png", "image/png", b"a")
    with pytest.raises(CheckFailed, match="the file of evidence e"):
        expect_evidence_in({"manifest.json": b"{}"}, {"e": sample})
    expect_evidence_in({"manifest.json": b"{}", "files/1": b"a"}, {"e": sample})
    with pytest.raises(CheckFailed, match=r"ledger\.json in the proof pack"):
        expect_named_files_in(Entries({"manifest.json": b"{}", "files/1": b"a"}))


def test_a_ledger_file_that_is_declared_absent_takes_its_cells_away() -> None:
    packed = Entries({"manifest.json": b"{}", "files/1": b"a"})
    packed.needs_ledger_file()  # missing, and nobody says that it may be
    packed.has_ledger_file = False
    expect_named_files_in(packed)
    with pytest.raises(Absent, match=r"\[contract.archive\] ledger"):
        packed.needs_ledger_file()
    there = Entries({"manifest.json": b"{}", "ledger.json": b"no JSON"})
    there.has_ledger_file = False
    with pytest.raises(CheckFailed, match=r"JSON in ledger\.json"):
        expect_named_files_in(there)
