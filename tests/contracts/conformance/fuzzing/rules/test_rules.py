"""Correct answers break no rule, wrong ones do; what the contract leaves open is accepted."""

import json
from dataclasses import replace

import jsonschema_rs
import pytest

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.results import Results
from contracts.conformance.fuzzing.rules.names import SENTENCES
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.rules.scenario_rules import SENTENCES as SCENARIO_SENTENCES
from contracts.conformance.fuzzing.rules.successes import schema_breach
from harness.client import Answer, NoAnswer
from harness.findings.rule import rules

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
    return list(map(str, breaches(document, case, answer)))


def breaches(document: Document, case: Case, answer: Answer) -> list[Breach]:
    found = ResponseRules(document=document).violations(case, answer)
    assert all(each.rule in SENTENCES and each.rule in rules() for each in found)
    return found


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


def test_every_sentence_is_a_rule() -> None:
    assert (SENTENCES | SCENARIO_SENTENCES).keys() <= rules().keys()


def test_what_does_not_fit_the_schema_is_named_without_what_the_backend_wrote() -> None:
    schema = {
        "properties": {
            "data": {
                "type": "array",
                "items": {
                    "required": ["id"],
                    "properties": {"filters": {"additionalProperties": {"type": "string"}}},
                },
            }
        }
    }
    validator = jsonschema_rs.Draft202012Validator(schema)
    body = {"data": [{"filters": {"made up 7": 1}}]}
    found = {schema_breach(each) for each in validator.iter_errors(body)}
    named = {(each.rule, each.field, each.about) for each in found}
    assert named == {("answer.schema", "filters", "type"), ("answer.fields", "id", "required")}


def test_one_kind_of_wrong_answers_is_kept_once_with_its_simplest_request() -> None:
    results = Results()
    for number, body in ((2, b"long"), (1, b"x"), (3, b"longer")):
        breach = Breach(rule="answer.schema", field=f"f{number}", what=f"wrong {number}")
        results.add(a_case(number, body), an_answer(), [breach])
    [(kind, wrong)] = results.wrong.items()
    assert kind == ("getJob", "answer.schema")
    assert (wrong.case.number, wrong.times) == (1, 3)
    assert set(wrong.ways.values()) == {"wrong 1", "wrong 2", "wrong 3"}
    assert not results.should_stop
    assert replace(results, first_only=True).should_stop


def test_an_operation_that_does_not_answer_is_not_asked_for_ever() -> None:
    results = Results()
    for number in range(2):
        assert not results.is_silent("getJob")
        results.add_unanswered(a_case(number, b""), NoAnswer("an answer", "none after 15.0 s"))
    assert results.is_silent("getJob")
    assert not results.is_silent("listJobs")


def a_case(number: int, body: bytes) -> Case:
    return Case(
        number=number,
        operation_id="getJob",
        phase="fuzzing",
        positive=True,
        about="",
        method="GET",
        target="/",
        headers=(),
        body=body,
    )


def an_answer() -> Answer:
    return Answer(
        operation_id="getJob",
        method="GET",
        path="/",
        instance=0,
        status=200,
        headers={},
        body=b"",
        elapsed_s=0,
    )


@pytest.mark.parametrize("secured", [True, False])
def test_a_refusal_without_a_token_need_not_be_documented(
    document: Document, *, secured: bool
) -> None:
    described = document.operations["getJob"]
    responses = {each: body for each, body in described.responses.items() if each != "401"}
    operation = replace(described, responses=responses, secured=secured)
    bare = Document(document.raw)
    bare.operations["getJob"] = operation
    told = violations(bare, 401, problem(401), headers={"www-authenticate": "Bearer"})
    assert any("does not document the status 401" in each for each in told) is not secured
