"""X-Request-ID: on every answer, the client's own where it is sane, and never a way in."""

from harness.client import Answer, Client
from harness.expect import expect, expect_equal

VALID_IDS = ("shakedown-1", "0f9c2a5e-31d4-4a6b-9c41-5d0f6a7b8c9d", "A" * 64, "req_42")

INVALID_IDS = (
    "x" * 1000,
    "two words",
    "ümlaut",
    "<script>alert(1)</script>",
    "tab\tinside",
    'quote"d',
    "a;b=c,d",
    "",
)
"""Too long for a log line, or no token: a backend answers with an id of its own."""

MAX_LENGTH = 255
DISTINCT = 12


async def expect_request_ids(client: Client, job_id: str) -> int:
    """Fail unless ids are echoed, replaced or made as they should; give how many were looked at."""
    looked = 0
    for number, (sent, sane) in enumerate(
        [*((i, True) for i in VALID_IDS), *((i, False) for i in INVALID_IDS)]
    ):
        for answer in await _on_every_kind(client, job_id, {"x-request-id": sent}, number):
            if sane:
                expect_equal(answer.request_id, sent, f"X-Request-ID with {answer.describe()}")
            else:
                _expect_replaced(answer, sent)
            looked += 1
    own: list[str] = []
    for number in range(DISTINCT // 3):
        for answer in await _on_every_kind(client, job_id, {}, number):
            _expect_replaced(answer, "")
            own.append(answer.request_id)
    expect_equal(len(set(own)), len(own), "the number of different ids for requests without one")
    return looked + len(own)


async def _on_every_kind(
    client: Client, job_id: str, headers: dict[str, str], number: int
) -> list[Answer]:
    """A success, an error of a handler, and an error from before any handler."""
    instance = number % client.instances
    nobody = Client(transport=client.transport, routes=client.routes, token=None)
    return [
        await client.call("getJob", path={"job_id": job_id}, headers=headers, instance=instance),
        await client.call("listJobs", query={"limit": "x"}, headers=headers, instance=instance),
        await nobody.call("listJobs", headers=headers, instance=instance),
    ]


def _expect_replaced(answer: Answer, sent: str) -> None:
    expect(
        answer.request_id
        and answer.request_id != sent
        and len(answer.request_id) <= MAX_LENGTH
        and answer.request_id.isascii()
        and answer.request_id.isprintable()
        and " " not in answer.request_id,
        expected=f"an id of the backend's own in place of {sent!r:.60}",
        got=f"{answer.request_id!r:.300} with {answer.describe()}",
    )
    expect(
        answer.status < 500 and (answer.status == 200) == (answer.operation_id == "getJob"),
        expected="a strange X-Request-ID to change nothing else",
        got=answer.describe(),
    )
