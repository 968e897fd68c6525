"""A backend with one word for several refusals: each check sees the one that it expects."""

import json
from pathlib import Path

import pytest
from multidict import CIMultiDict

import contracts
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.problems import expect_problem
from contracts.shared.requests.concurrent_requests import expect_one_winner
from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_reuse_refused,
    is_in_flight,
)
from contracts.shared.tenants.document import load_document
from harness.client.answers.answer import Answer
from harness.client.dialect import Dialect
from harness.client.routes import Routes, load_routes
from harness.errors import CheckFailed
from harness.expect import expect_status
from harness.target.contract.dialect import Contract

DOCUMENT = Path(contracts.__path__[0]) / "openapi.yaml"

CONTRACT = Contract.model_validate(
    {
        "refusals": {
            "400 invalid_request": "400 bad_request",
            "422 content_mismatch": "400 bad_request",
            "422 idempotency_key_reused": "400 bad_request",
            "409 idempotency_key_in_flight": "400 bad_request",
            "404": "403",
            "403": "403",
        },
        "operations": {"cancelExport": {"refusals": {"409 export_not_cancelable": "403 no"}}},
    }
)
WINNER, OTHER = (
    KeyedRequest(
        what=what, operation_id="uploadEvidence", path={}, new_status=201, arguments={"form": {}}
    )
    for what in ("an upload", "another")
)


@pytest.fixture(scope="module")
def dialect() -> Dialect:
    routes: Routes = load_routes(DOCUMENT)
    found = Dialect.of(CONTRACT, routes)
    assert found is not None
    return found


def refused(
    dialect: Dialect, name: str, status: int, code: str = "bad_request", **headers: str
) -> Answer:
    problem: dict[str, object]
    problem = {"type": "about:blank", "title": "no", "detail": "no", "instance": "/"}
    problem |= {"request_id": "r", "code": code, "retryable": False, "status": status}
    kind = {"content-type": "application/problem+json", "x-request-id": "r"}
    route = dialect.routes[name]
    answer = Answer(
        operation_id=name,
        method=route.method,
        path=route.template,
        instance=0,
        status=status,
        headers=CIMultiDict(kind | {n.replace("_", "-"): text for n, text in headers.items()}),
        body=json.dumps(problem).encode(),
        elapsed_s=0,
    )
    return dialect.answer(route, answer)


def test_a_check_that_expects_one_of_them_passes(dialect: Dialect) -> None:
    answer = refused(dialect, "uploadEvidence", 400)
    assert [each.status for each in answer.meanings] == [400, 422, 422, 409]
    for status in (400, 422, 409):
        assert expect_status(answer, status).status == status
    expect_problem(answer, 422, codes=("content_mismatch",))
    expect_problem(answer, 422, codes=("idempotency_key_reused",))
    expect_problem(answer, 400)
    expect_reuse_refused(answer, "another file")


def test_what_is_not_declared_stays_a_finding(dialect: Dialect) -> None:
    answer = refused(dialect, "uploadEvidence", 400)
    with pytest.raises(CheckFailed, match="415 from uploadEvidence") as found:
        expect_status(answer, 415)
    assert "400 to POST" in str(found.value)
    assert "(for 400 or 422 or 409)" in str(found.value)
    with pytest.raises(CheckFailed, match="code"):
        expect_problem(answer, 422, codes=("something_else",))
    for status, code in ((400, "other"), (418, "bad_request")):
        other = refused(dialect, "uploadEvidence", status, code)
        with pytest.raises(CheckFailed):
            expect_status(other, 422)
        assert other.also == ()


def test_only_what_the_operation_can_answer_is_meant(dialect: Dialect) -> None:
    assert [one.status for one in refused(dialect, "createJob", 400).meanings] == [400]
    with pytest.raises(CheckFailed):
        expect_status(refused(dialect, "createJob", 400), 422)
    # Without an id there is nothing to be unknown.
    assert [one.status for one in refused(dialect, "listJobs", 403, "no").meanings] == [403]
    assert [one.status for one in refused(dialect, "getJob", 403, "no").meanings] == [404, 403]


def test_what_is_said_of_the_operation_goes_first(dialect: Dialect) -> None:
    answer = refused(dialect, "cancelExport", 403, "no")
    assert [each.status for each in answer.meanings] == [409, 404, 403]
    assert answer.code == "export_not_cancelable"


def test_a_retry_after_tells_a_key_in_flight_from_a_reused_one(dialect: Dialect) -> None:
    won = Answer(
        operation_id="uploadEvidence",
        method="POST",
        path="/",
        instance=0,
        status=201,
        headers=CIMultiDict(),
        body=b'{"data":{"id":"1"}}',
        elapsed_s=0,
    )
    reused = refused(dialect, "uploadEvidence", 400)
    waits = refused(dialect, "uploadEvidence", 400, retry_after="1")
    assert not is_in_flight(reused)
    assert is_in_flight(waits)
    assert expect_one_winner([(WINNER, won), (OTHER, reused), (WINNER, waits)])[1] is won
    with pytest.raises(CheckFailed, match="the original answer"):
        expect_one_winner([(WINNER, won), (WINNER, reused)])


def test_a_generated_request_is_judged_by_the_meaning_that_is_right(dialect: Dialect) -> None:
    rules = ResponseRules(document=Document(load_document(Contract(openapi=str(DOCUMENT)))))
    case = Case(
        number=1,
        operation_id="getJob",
        phase="fuzzing",
        positive=True,
        about="",
        method="GET",
        target="/api/jobs/SLOT-foreign-job_id-1-END",
        headers=(),
        body=None,
    )
    # 403 with a member's token would be wrong, 404 for an id of another organization is right.
    assert rules.violations(case, refused(dialect, "getJob", 403, "no")) == []
    undeclared = refused(dialect, "getJob", 401, "no")
    assert [one.rule for one in rules.violations(case, undeclared)] != []
