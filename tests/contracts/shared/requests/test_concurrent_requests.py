import json
from dataclasses import replace
from typing import Any

import pytest

from contracts.shared.requests.concurrent_requests import expect_one_record, expect_one_winner
from contracts.shared.requests.keyed_requests import KeyedRequest, expect_replayed
from harness.client import Answer
from harness.client.answers.record import ResourceDialect
from harness.errors import CheckFailed
from harness.target.contract.without import Without


def answered(
    status: int, data: dict[str, Any] | None = None, code: str = "busy", **headers: str
) -> Answer:
    return Answer(
        operation_id="uploadEvidence",
        method="POST",
        path="/api/jobs/1/evidence/upload",
        instance=0,
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=json.dumps({"data": data} if data else {"code": code}).encode(),
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
    assert expect_one_record(answers, new_status=201, what="uploads") == "a"


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
        expect_one_record(answers, new_status=201, what="uploads")


def asked(body: str) -> KeyedRequest:
    return KeyedRequest(
        what="an upload",
        operation_id="uploadEvidence",
        path={},
        new_status=201,
        arguments={"of": body},
    )


ONE, OTHER = asked("one"), asked("other")


def reused() -> Answer:
    return answered(422, None, code="idempotency_key_reused")


def test_of_two_different_requests_one_has_the_key() -> None:
    won = first()
    answers = [
        (ONE, replay()),
        (OTHER, reused()),
        (ONE, won),
        (OTHER, in_flight(retry_after="1")),
    ]
    assert expect_one_winner(answers) == (ONE, won)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(ONE, first()), (OTHER, first("b"))], "2: "),
        ([(ONE, in_flight(retry_after="1")), (OTHER, reused())], "0: "),
        ([(ONE, first()), (OTHER, replay())], "422 from"),
        ([(ONE, first()), (OTHER, answered(422))], "busy"),
        ([(ONE, first()), (ONE, reused())], "2xx"),
        ([(ONE, first()), (ONE, replay("b"))], "data"),
        ([(ONE, first()), (OTHER, in_flight())], "Retry-After"),
        ([(ONE, first()), (OTHER, answered(500))], "500"),
    ],
)
def test_two_owners_of_a_key_or_none_are_rejected(
    answers: list[tuple[KeyedRequest, Answer]], said: str
) -> None:
    with pytest.raises(CheckFailed, match=said):
        expect_one_winner(answers)


DEDUPLICATED = answered(200, {"id": "a"}, x_evidence_deduplicated="true")


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        (first(), "header.idempotency-replayed"),
        (DEDUPLICATED, "idempotency.one-record"),
    ],
)
def test_a_request_that_was_done_again_is_no_mere_missing_header(other: Answer, rule: str) -> None:
    with pytest.raises(CheckFailed) as replayed:
        expect_replayed(other, first())
    with pytest.raises(CheckFailed) as raced:
        expect_one_record([first(), other], new_status=201, what="uploads")
    assert (replayed.value.rule, raced.value.rule) == (rule, rule)


def test_two_unmarked_answers_with_one_record_lack_the_header() -> None:
    for other, rule in (
        (first(), "header.idempotency-replayed"),
        (first("b"), "idempotency.one-record"),
    ):
        with pytest.raises(CheckFailed) as raced:
            expect_one_winner([(ONE, first()), (ONE, other)])
        assert raced.value.rule == rule


def test_a_replay_to_another_instance_is_judged_by_the_rule_that_is_named() -> None:
    with pytest.raises(CheckFailed) as failed:
        expect_replayed(first(), first(), rule="own.rule")
    assert failed.value.rule == "own.rule"


def test_replays_that_nothing_marks_may_not_be_told_from_the_first() -> None:
    without = ResourceDialect(without=Without(headers=("X-Idempotency-Replayed",)))
    answers = [replace(first(), dialect=without) for _ in range(3)]
    assert expect_one_record(answers, new_status=201, what="uploads") == "a"
    two = [replace(first(which), dialect=without) for which in "ab"]
    with pytest.raises(CheckFailed, match="2 records"):
        expect_one_record(two, new_status=201, what="uploads")
