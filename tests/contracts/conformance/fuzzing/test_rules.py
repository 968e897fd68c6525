"""Correct answers break no rule, wrong ones do; what the contract leaves open is accepted."""

import json

import pytest

from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.rules import ResponseRules
from harness.client import Answer

OWN, FOREIGN = slot("own", "job_id", 1), slot("foreign", "job_id", 1)
ID = "3f0e1e56-6a0f-4c2b-9a52-0a3a1c3f6a10"
JOB = {
    "id": ID,
    "organization_id": ID,
    "title": "x",
    "created_by": "u",
    "created_at": "2031-05-07T09:30:00+00:00",
}


def problem(status: int, **changes: object) -> bytes:
    members = {
        "type": "urn:problem:x",
        "title": "x",
        "status": status,
        "detail": "x",
        "instance": "/",
        "code": "x",
        "request_id": "r",
        "retryable": False,
    }
    return json.dumps({**members, **changes}).encode()


def violations(
    document: Document,
    status: int,
    body: bytes,
    *,
    target: str = f"/api/jobs/{OWN}",
    method: str = "GET",
    headers: dict[str, str] | None = None,
) -> list[str]:
    kind = "application/json" if status < 400 else "application/problem+json"
    case = Case(
        number=1,
        operation_id="getJob",
        phase="fuzzing",
        positive=True,
        about="",
        method=method,
        target=target,
        headers=(),
        body=None,
    )
    answer = Answer(
        operation_id="getJob",
        method=method,
        path=target,
        instance=0,
        status=status,
        headers={"content-type": kind, "x-request-id": "r", **(headers or {})},
        body=body,
        elapsed_s=0,
    )
    return ResponseRules(document=document).violations(case, answer)


def shown(**changes: object) -> bytes:
    return json.dumps({"data": {**JOB, **changes}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "target"),
    [
        (200, shown(), f"/api/jobs/{OWN}"),
        (200, shown(more=1), f"/api/jobs/{OWN}"),
        (404, problem(404), f"/api/jobs/{FOREIGN}"),
        (404, problem(404, code="a_name_of_its_own"), f"/api/jobs/{ID}"),
        (400, problem(400), "/api/jobs/%00"),
        (422, problem(422), "/api/jobs/x"),
    ],
)
def test_right_answers(document: Document, status: int, body: bytes, target: str) -> None:
    assert violations(document, status, body, target=target) == []


@pytest.mark.parametrize(
    ("status", "body", "target", "named"),
    [
        (500, problem(500), f"/api/jobs/{OWN}", "500"),
        (404, problem(404), f"/api/jobs/{OWN}", "404"),
        (200, shown(), f"/api/jobs/{FOREIGN}", "another organization"),
        (400, problem(400), f"/api/jobs/{OWN}", "400"),
        (403, problem(403), f"/api/jobs/{OWN}", "403"),
        (202, shown(), f"/api/jobs/{OWN}", "202"),
        (409, problem(409), f"/api/jobs/{OWN}", "409"),
        (200, shown(title=None), f"/api/jobs/{OWN}", "/data/title"),
        (200, shown(created_at="2031-05-07 09:30"), f"/api/jobs/{OWN}", "/data/created_at"),
        (200, b"", f"/api/jobs/{OWN}", "JSON"),
        (404, b"nothing", f"/api/jobs/{ID}", "JSON"),
        (404, problem(400), f"/api/jobs/{ID}", "'status'"),
        (404, problem(404, request_id="other"), f"/api/jobs/{ID}", "'request_id'"),
        (307, b"", f"/api/jobs/{OWN}", "307"),
    ],
)
def test_wrong_answers(
    document: Document, status: int, body: bytes, target: str, named: str
) -> None:
    assert named in "; ".join(violations(document, status, body, target=target))


def test_headers_are_looked_at(document: Document) -> None:
    plain = {"content-type": "text/html"}
    assert "text/html" in violations(document, 200, shown(), headers=plain)[0]
    assert "X-Request-ID" in violations(document, 200, shown(), headers={"x-request-id": ""})[0]
    assert any("WWW-Authenticate" in each for each in violations(document, 401, problem(401)))


def test_a_wrong_method_must_be_refused_with_allow(document: Document) -> None:
    right = {"allow": "GET"}
    assert violations(document, 405, problem(405), method="PUT", headers=right) == []
    assert "Allow" in violations(document, 405, problem(405), method="PUT")[0]
    assert "PUT" in violations(document, 200, shown(), method="PUT")[0]
