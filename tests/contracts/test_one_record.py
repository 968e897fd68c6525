import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts.check_tenancy import expect_alike
from contracts.one_record import expect_one_answered
from harness.client import Answer
from harness.errors import CheckFailed


def answered(status: int, data: dict[str, Any] | None = None, **headers: str) -> Answer:
    return Answer(
        operation_id="uploadEvidence",
        method="POST",
        path="/api/jobs/1/evidence/upload",
        instance=0,
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=json.dumps({"data": data} if data else {"code": "busy"}).encode(),
        elapsed_s=0.01,
    )


def first(record: str = "a") -> Answer:
    return answered(201, {"id": record})


def replay(record: str = "a", status: int = 201) -> Answer:
    return answered(status, {"id": record}, x_idempotency_replayed="true")


def in_flight(**headers: str) -> Answer:
    return answered(409, None, **headers)


@pytest.mark.parametrize(
    "answers",
    [
        [first()],
        [replay(), first(), replay(status=200)],
        [first(), in_flight(retry_after="1"), in_flight(retry_after="1")],
    ],
)
def test_one_record_is_accepted(answers: list[Answer]) -> None:
    assert expect_one_answered(answers, fresh=201, what="uploads") == "a"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([first("a"), first("b")], "2 records"),
        ([first("a"), replay("b")], "2 records"),
        ([first(), first()], "2 without it"),
        ([replay(), replay()], "0 without it"),
        ([first(), answered(200, {"id": "a"})], "2 without it"),
        ([first(), answered(500)], "500"),
        ([first(), in_flight()], "Retry-After"),
        ([in_flight(retry_after="1")], "0 records"),
    ],
)
def test_anything_else_is_rejected(answers: list[Answer], said: str) -> None:
    with pytest.raises(CheckFailed, match=said):
        expect_one_answered(answers, fresh=201, what="uploads")


FOREIGN = "3f0e1e56-6a0f-4c2b-9a52-0a3a1c3f6a10"
RANDOM = "aaaaaaaa-6a0f-4c2b-9a52-0a3a1c3f6a10"


def absent(resource: str, request: str, **more: object) -> Answer:
    problem = {"code": "not_found", "detail": f"no export {resource}", "request_id": request}
    return Answer(
        operation_id="getExport",
        method="GET",
        path=f"/api/exports/{resource}",
        instance=0,
        status=404,
        headers={"x-request-id": request, "content-type": "application/problem+json"},
        body=json.dumps(problem | more).encode(),
        elapsed_s=0.01,
    )


def test_foreign_and_random_may_differ_in_ids_only() -> None:
    expect_alike(absent(FOREIGN, "r-1"), absent(RANDOM, "r-2"), "getExport")


@pytest.mark.parametrize(
    "change",
    [
        lambda: absent(FOREIGN, "r-1", owner="acme"),
        lambda: absent(FOREIGN, "r-1", code="forbidden"),
        lambda: absent(FOREIGN, "r-1", detail="not yours"),
        lambda: answered(403),
    ],
)
def test_any_other_difference_gives_the_foreign_resource_away(
    change: Callable[[], Answer],
) -> None:
    with pytest.raises(CheckFailed):
        expect_alike(change(), absent(RANDOM, "r-2"), "getExport")
