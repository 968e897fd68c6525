import json
from typing import Any

import pytest

from contracts.conformance.breach import described
from contracts.conformance.problems import expect_problem, problem_violations
from harness.client import Answer
from harness.errors import CheckFailed

RIGHT = {
    "type": "https://example.org/problems/not-found",
    "title": "There is no such thing",
    "status": 404,
    "detail": "There is no such job.",
    "instance": "/api/jobs/1",
    "code": "not_found",
    "request_id": "r-1",
    "retryable": False,
}


def answer(document: object, kind: str = "application/problem+json; charset=utf-8") -> Answer:
    return Answer(
        operation_id="getJob",
        method="GET",
        path="/api/jobs/1",
        instance=0,
        status=404,
        headers={"content-type": kind, "x-request-id": "r-1"},
        body=document if isinstance(document, bytes) else json.dumps(document).encode(),
        elapsed_s=0,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"type": "about:blank"},
        {"detail": ""},
        {"extra": [1]},
        {"errors": [{"field": "title", "message": "is missing"}]},
        {"detail": "Choose from GET, POST; see /docs/jobs and select one from the list."},
    ],
)
def test_right_problems(changes: dict[str, Any]) -> None:
    assert problem_violations(answer({**RIGHT, **changes})) == []
    expect_problem(answer({**RIGHT, **changes}), 404)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"status": 400}, "'status'"),
        ({"status": "404"}, "'status'"),
        ({"retryable": "false"}, "'retryable'"),
        ({"retryable": 0}, "'retryable'"),
        ({"request_id": "other"}, "X-Request-ID"),
        ({"code": ""}, "'code'"),
        ({"code": "Not found!"}, "'code'"),
        ({"type": "not a uri"}, "'type'"),
        ({"errors": "title"}, "'errors'"),
        ({"detail": 'File "/app/x.py", line 3, in f'}, "a Python traceback"),
        ({"detail": "SELECT id FROM jobs WHERE id = $1"}, "SQL"),
        ({"detail": "cannot open /var/lib/storage/evidence/1.png"}, "a path of the server"),
        ({"detail": "connect to postgresql://app@db:5432/app failed"}, "where the database is"),
        ({"detail": 'new row violates check constraint "x"'}, "the database's own message"),
        ({"errors": [{"message": "psycopg.errors.DataError"}]}, "the database's own message"),
    ],
)
def test_wrong_problems(changes: dict[str, Any], named: str) -> None:
    assert named in described(problem_violations(answer({**RIGHT, **changes})))


@pytest.mark.parametrize("member", RIGHT)
def test_a_missing_member_is_named(member: str) -> None:
    document = {name: value for name, value in RIGHT.items() if name != member}
    (violation,) = problem_violations(answer(document))
    assert repr(member) in violation.what
    assert (violation.rule, violation.about) == ("problem.form", member)


def test_what_is_no_problem_at_all() -> None:
    assert "text/plain" in problem_violations(answer(b"404: Not Found", "text/plain"))[0].what
    (violation,) = problem_violations(answer([]))
    assert "JSON" in violation.what
    with pytest.raises(CheckFailed) as failed:
        expect_problem(answer(RIGHT), 404, codes=("other",))
    assert "other" in failed.value.detail
    assert failed.value.rule == "problem.code"
