"""X-Request-ID: on every answer, the client's own one if it is valid, and never harmful."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from harness.client import Answer, Client
from harness.expect import expect, expect_equal
from harness.plugin.cells import Cells

RULE = "header.request-id"

VALID_IDS = ("shakedown-1", "0f9c2a5e-31d4-4a6b-9c41-5d0f6a7b8c9d", "A" * 64, "req_42")

INVALID_IDS = (
    *("x" * 1000, "two words", "ümlaut", "<script>alert(1)</script>"),
    *("tab\tinside", 'quote"d', "a;b=c,d", ""),
)
"""Too long for a log line, or not a token: the backend must use an id of its own."""

MAX_LENGTH = 255
WITHOUT_ID = 4
"""Rounds of requests that send no id."""


async def look_at_request_ids(cells: Cells, client: Client, job_id: str) -> int:
    """Look whether valid ids are echoed and others replaced; return the number of answers."""
    answers, own = 0, list[str]()
    sent_ids: list[tuple[str, str | None]] = [
        *((f"a valid one, {each:.20}", each) for each in VALID_IDS),
        *((f"an invalid one, {each:.20}", each) for each in INVALID_IDS),
        *[("none", None)] * WITHOUT_ID,
    ]
    for number, (case, sent) in enumerate(sent_ids):
        for name, call in _calls(client, job_id, sent, number).items():
            async with cells.of(header="X-Request-ID", case=case, answer=name):
                answer = await call()
                answer.needs_header("x-request-id")
                if sent in VALID_IDS:
                    _expect_echoed(answer, sent)
                else:
                    _expect_replaced(answer, sent or "")
                own += [answer.request_id] if sent is None else []
                answers += 1
    async with cells.of(header="X-Request-ID", case="new ones differ"):
        what = "number of different ids for requests without an id"
        expect_equal(len(set(own)), len(own), what, rule=RULE)
    return answers


def _calls(
    client: Client, job_id: str, sent: str | None, number: int
) -> Mapping[str, Callable[[], Awaitable[Answer]]]:
    """A success, an error from inside the operation, and an error from authentication."""
    instance = number % client.instances
    no_token = Client(transport=client.transport, routes=client.routes, token=None)
    more: dict[str, Any] = {
        "headers": {} if sent is None else {"x-request-id": sent},
        "instance": instance,
    }
    return {
        "success": partial(client.call, "getJob", path={"job_id": job_id}, **more),
        "refusal": partial(client.call, "listJobs", query={"limit": "x"}, **more),
        "without a token": partial(no_token.call, "listJobs", **more),
    }


def _expect_echoed(answer: Answer, sent: object) -> None:
    expect_equal(
        answer.request_id,
        sent,
        "X-Request-ID that was sent",
        detail=answer.describe(),
        rule=RULE,
        subject=answer.operation_id,
    )


def _expect_replaced(answer: Answer, sent: str) -> None:
    expect(
        answer.request_id
        and answer.request_id != sent
        and len(answer.request_id) <= MAX_LENGTH
        and answer.request_id.isascii()
        and answer.request_id.isprintable()
        and " " not in answer.request_id,
        expected=f"a new X-Request-ID in place of {sent!r:.60}",
        got=f"{answer.request_id!r:.300} with {answer.describe()}",
        rule=RULE,
        subject=answer.operation_id,
    )
    expect(
        answer.status < 500 and (answer.status == 200) == (answer.operation_id == "getJob"),
        expected="an invalid X-Request-ID to change nothing else in the answer",
        got=answer.describe(),
        rule=RULE,
        subject=answer.operation_id,
    )
