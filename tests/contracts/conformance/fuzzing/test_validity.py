"""What the document allows, judged from the bytes."""

import json

import pytest

from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.validity import ALLOWED, UNCLEAR, WRONG, Verdict, verdict_of

JSON = (("Content-Type", "application/json"),)
JOB = slot("own", "job_id", 1)


def judged(
    document: Document,
    operation_id: str,
    target: str,
    body: bytes | None = None,
    headers: tuple[tuple[str, str], ...] = JSON,
) -> Verdict:
    operation = document.operations[operation_id]
    case = Case(
        number=1,
        operation_id=operation_id,
        phase="fuzzing",
        positive=True,
        about="",
        method=operation.method,
        target=target,
        headers=headers,
        body=body,
    )
    return verdict_of(document, operation, case)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b'{"title": "x"}', ALLOWED),
        (b'{"title": "x", "more": 1}', ALLOWED),
        (b'{"title": "x", "more": ' + b"9" * 5000 + b"}", UNCLEAR),  # JSON, but not Python's
        (json.dumps({"title": "x" * 200}).encode(), ALLOWED),
        (json.dumps({"title": "x" * 201}).encode(), WRONG),
        (b'{"title": ""}', WRONG),
        (b'{"title": 1}', WRONG),
        (b"{}", WRONG),
        (b"[]", WRONG),
        (b"{", WRONG),
        (b'{"title": "\xff"}', WRONG),
        (None, WRONG),
        (b'{"title": "a\\u0000b"}', UNCLEAR),
        (b'{"title": "\\ud800"}', UNCLEAR),
        (b'{"title": " "}', UNCLEAR),
        (b'{"title": "a", "title": "b"}', UNCLEAR),
        (b'{"title": NaN}', UNCLEAR),
        (json.dumps({"title": "\U0001f4a5" * 150}).encode(), UNCLEAR),
    ],
)
def test_bodies(document: Document, body: bytes | None, verdict: Verdict) -> None:
    assert judged(document, "createJob", "/api/jobs", body) is verdict


@pytest.mark.parametrize(
    ("filters", "verdict"),
    [
        ('{"a": [1, null, "x"]}', ALLOWED),
        ('{"a": 9007199254740993}', UNCLEAR),
        ('{"a": "\\u0000"}', UNCLEAR),
        ("[]", WRONG),
        ("null", WRONG),
        ('{"a":' * 40 + "1" + "}" * 40, UNCLEAR),
    ],
)
def test_filters(document: Document, filters: str, verdict: Verdict) -> None:
    body = f'{{"filters": {filters}}}'.encode()
    assert judged(document, "requestExport", f"/api/jobs/{JOB}/export/ledger", body) is verdict


def test_an_export_type_that_is_none_is_wrong(document: Document) -> None:
    assert judged(document, "requestExport", f"/api/jobs/{JOB}/export/zip", b"{}") is WRONG
    assert judged(document, "requestExport", f"/api/jobs/{JOB}/export/ledger", None, ()) is ALLOWED


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("", ALLOWED),
        ("?limit=1", ALLOWED),
        ("?limit=100&unknown=%00", ALLOWED),
        ("?limit=0", WRONG),
        ("?limit=101", WRONG),
        ("?limit=abc", WRONG),
        ("?limit=1.5", UNCLEAR),
        ("?limit=", UNCLEAR),
        ("?limit=1&limit=2", UNCLEAR),
        ("?cursor=anything", UNCLEAR),
    ],
)
def test_queries(document: Document, query: str, verdict: Verdict) -> None:
    assert judged(document, "listJobs", f"/api/jobs{query}", None, ()) is verdict


@pytest.mark.parametrize(
    ("key", "verdict"),
    [(None, WRONG), ("a", UNCLEAR), ("x" * 300, WRONG), ("", UNCLEAR)],
)
def test_keys(document: Document, key: str | None, verdict: Verdict) -> None:
    form = ("Content-Type", "multipart/form-data; boundary=b")
    headers = (form,) if key is None else (form, ("Idempotency-Key", key))
    target = f"/api/jobs/{JOB}/evidence/upload"
    assert judged(document, "uploadEvidence", target, b"--b--", headers) is verdict
