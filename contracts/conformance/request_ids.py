"""X-Request-ID: on every answer, the client's own one if it is valid, and never harmful."""

from harness.client import Answer, Client
from harness.expect import expect, expect_equal

VALID_IDS = ("shakedown-1", "0f9c2a5e-31d4-4a6b-9c41-5d0f6a7b8c9d", "A" * 64, "req_42")

INVALID_IDS = (
    *("x" * 1000, "two words", "ümlaut", "<script>alert(1)</script>"),
    *("tab\tinside", 'quote"d', "a;b=c,d", ""),
)
"""Too long for a log line, or not a token: the backend must use an id of its own."""

MAX_LENGTH = 255
WITHOUT_ID = 4
"""Rounds of requests that send no id."""


async def expect_request_ids(client: Client, job_id: str) -> int:
    """Fail unless valid ids are echoed and others replaced; return the number of answers."""
    answers = 0
    for number, sent in enumerate([*VALID_IDS, *INVALID_IDS]):
        for answer in await _answers(client, job_id, {"x-request-id": sent}, number):
            if sent in VALID_IDS:
                expect_equal(answer.request_id, sent, f"X-Request-ID with {answer.describe()}")
            else:
                _expect_replaced(answer, sent)
            answers += 1
    own: list[str] = []
    for number in range(WITHOUT_ID):
        for answer in await _answers(client, job_id, {}, number):
            _expect_replaced(answer, "")
            own.append(answer.request_id)
    expect_equal(len(set(own)), len(own), "number of different ids for requests without an id")
    return answers + len(own)


async def _answers(
    client: Client, job_id: str, headers: dict[str, str], number: int
) -> list[Answer]:
    """A success, an error from inside the operation, and an error from authentication."""
    instance = number % client.instances
    no_token = Client(transport=client.transport, routes=client.routes, token=None)
    return [
        await client.call("getJob", path={"job_id": job_id}, headers=headers, instance=instance),
        await client.call("listJobs", query={"limit": "x"}, headers=headers, instance=instance),
        await no_token.call("listJobs", headers=headers, instance=instance),
    ]


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
    )
    expect(
        answer.status < 500 and (answer.status == 200) == (answer.operation_id == "getJob"),
        expected="an invalid X-Request-ID to change nothing else in the answer",
        got=answer.describe(),
    )
