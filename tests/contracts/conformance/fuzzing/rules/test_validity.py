"""What the document allows, judged from the bytes."""

import json

import pytest

from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.rules.validity import (
    INVALID,
    UNCLEAR,
    VALID,
    Validity,
    validity_of,
)

JSON = (("Content-Type", "application/json"),)
JOB = slot("own", "job_id", 1)


def judged(
    document: Document,
    operation_id: str,
    target: str,
    body: bytes | None = None,
    headers: tuple[tuple[str, str], ...] = JSON,
) -> Validity:
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
    return validity_of(document, operation, case)


@pytest.mark.parametrize(
    ("body", "validity"),
    [
        (b'{"title": "x"}', VALID),
        (b'{"title": "x", "more": 1}', VALID),
        (
            b'{"title": "x", "more": [-1649901657230834476777472]}',
            UNCLEAR,
        ),  # no exact form in RFC 8785
        (b'{"title": "x", "more": [-9007199254740991, true, 1.5]}', VALID),
        (b'{"title": "x", "more": ' + b"9" * 5000 + b"}", UNCLEAR),  # JSON, but not Python's
        (json.dumps({"title": "x" * 200}).encode(), VALID),
        (json.dumps({"title": "x" * 201}).encode(), INVALID),
        (b'{"title": ""}', INVALID),
        (b'{"title": 1}', INVALID),
        (b"{}", INVALID),
        (b"[]", INVALID),
        (b"{", INVALID),
        (b'{"title": "\xff"}', INVALID),
        (None, INVALID),
        (b'{"title": "a\\u0000b"}', UNCLEAR),
        (b'{"title": "\\ud800"}', UNCLEAR),
        (b'{"title": " "}', UNCLEAR),
        (b'{"title": "a", "title": "b"}', UNCLEAR),
        (b'{"title": NaN}', UNCLEAR),
        (json.dumps({"title": "\U0001f4a5" * 150}).encode(), UNCLEAR),
    ],
)
def test_bodies(document: Document, body: bytes | None, validity: Validity) -> None:
    assert judged(document, "createJob", "/api/jobs", body) is validity


@pytest.mark.parametrize(
    ("filters", "validity"),
    [
        ('{"a": [1, null, "x"]}', VALID),
        ('{"a": 9007199254740993}', UNCLEAR),
        ('{"a": "\\u0000"}', UNCLEAR),
        ("[]", INVALID),
        ("null", INVALID),
        ('{"a":' * 40 + "1" + "}" * 40, UNCLEAR),
    ],
)
def test_filters(document: Document, filters: str, validity: Validity) -> None:
    body = f'{{"filters": {filters}}}'.encode()
    assert judged(document, "requestExport", f"/api/jobs/{JOB}/export/ledger", body) is validity


def test_an_export_type_that_is_none_is_wrong(document: Document) -> None:
    assert judged(document, "requestExport", f"/api/jobs/{JOB}/export/zip", b"{}") is INVALID
    assert judged(document, "requestExport", f"/api/jobs/{JOB}/export/ledger", None, ()) is VALID


@pytest.mark.parametrize(
    ("query", "validity"),
    [
        ("", VALID),
        ("?limit=1", VALID),
        ("?limit=100&unknown=%00", VALID),
        ("?limit=0", INVALID),
        ("?limit=101", INVALID),
        ("?limit=abc", INVALID),
        ("?limit=1.5", UNCLEAR),
        ("?limit=", UNCLEAR),
        ("?limit=1&limit=2", UNCLEAR),
        ("?cursor=anything", UNCLEAR),
    ],
)
def test_queries(document: Document, query: str, validity: Validity) -> None:
    assert judged(document, "listJobs", f"/api/jobs{query}", None, ()) is validity


@pytest.mark.parametrize(
    ("key", "validity"),
    [(None, INVALID), ("a", UNCLEAR), ("x" * 300, INVALID), ("", UNCLEAR)],
)
def test_keys(document: Document, key: str | None, validity: Validity) -> None:
    form = ("Content-Type", "multipart/form-data; boundary=b")
    headers = (form,) if key is None else (form, ("Idempotency-Key", key))
    target = f"/api/jobs/{JOB}/evidence/upload"
    assert judged(document, "uploadEvidence", target, b"--b--", headers) is validity
