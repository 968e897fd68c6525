"""What many requests at once may answer when together they may leave only one record."""

from collections import Counter
from collections.abc import Sequence

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_original,
    expect_reuse_refused,
)
from harness.client import LIVE_STATES, Answer, Client
from harness.expect import expect, expect_equal, expect_status

ENDINGS = {"export.completed", "export.failed", "export.canceled"}


def expect_one_record(answers: Sequence[Answer], *, fresh: int, what: str) -> str:
    """Fail unless one of many same requests under one key was new, and give the record's id.

    Of the others each is the original answer again, marked as a replay, or 409 with Retry-After
    while the first is still in flight.
    """
    for answer in answers:
        expect_status(answer, 200, fresh, 409, detail=f"one of {len(answers)} {what}")
    firsts = []
    for answer in answers:
        if answer.status == 409:
            expect_retry_after(answer)
        elif not answer.flag("x-idempotency-replayed"):
            firsts.append(answer)
    ids = Counter(answer.data["id"] for answer in answers if answer.status != 409)
    expect(
        len(ids) == 1,
        expected=f"one record from {len(answers)} {what} at once",
        got=f"{len(ids)} records: {dict(ids)}",
    )
    expect(
        len(firsts) == 1 and firsts[0].status == fresh,
        expected=f"one {fresh} without X-Idempotency-Replayed among {len(answers)} {what}, "
        "every other 2xx a replay of it",
        got=f"{len(firsts)} without it: {[answer.describe() for answer in firsts[:3]]}",
    )
    return str(next(iter(ids)))


def expect_one_winner(
    answers: Sequence[tuple[KeyedRequest, Answer]],
) -> tuple[KeyedRequest, Answer]:
    """Fail unless of different requests raced under one key one has it; give it and its answer.

    The same request again is a replay, another one is refused (422), and either may be told to
    wait (409) while the first is in flight.
    """
    firsts = [
        (request, answer)
        for request, answer in answers
        if answer.status == request.fresh and not answer.flag("x-idempotency-replayed")
    ]
    expect(
        len(firsts) == 1,
        expected=f"one of {len(answers)} different requests under one key to be new",
        got=f"{len(firsts)}: {[answer.describe() for _, answer in firsts[:3]]}",
    )
    winner, first = firsts[0]
    for request, answer in answers:
        if answer is first:
            continue
        if answer.status == 409:
            expect_retry_after(answer)
        elif request is winner:
            expect_original(answer, first)
        else:
            expect_reuse_refused(answer, "another body, at the same time")
    return winner, first


def expect_retry_after(answer: Answer) -> None:
    """Fail unless a 409 to a key in flight says when to come back."""
    expect(
        answer.headers.get("retry-after", "").isdigit(),
        expected="a Retry-After with the 409 to a key in flight",
        got=answer.describe(),
    )


async def expect_one_live_at_a_time(
    client: Client, job_id: str, answers: Sequence[Answer], *, export_type: str
) -> None:
    """Fail unless requests for one job and type never had two exports live together.

    A worker may finish one between two requests, which rightly makes the next request a new
    export: the ledger, which is in order, tells whether the one before had ended by then.
    """
    accepted = set()
    for answer in answers:
        expect_status(answer, 200, 202)
        if answer.status == 202:
            accepted.add(answer.data["id"])
    for answer in answers:
        if answer.status == 200:
            expect(
                answer.flag("x-export-in-progress"),
                expected="X-Export-In-Progress: true with the live export",
                got=answer.describe(),
            )
            expect(
                answer.data["id"] in accepted,
                expected=f"an export that was accepted with 202, one of {sorted(accepted)}",
                got=answer.describe(),
            )
    listed = await client.listed("listExports", path={"job_id": job_id})
    of_type = {export["id"] for export in listed if export["export_type"] == export_type}
    expect_equal(of_type, accepted, f"the {export_type} exports of the job")
    live: str | None = None
    for event in await client.ledger_events():
        if event["target_id"] not in accepted:
            continue
        if event["event_name"] == "export.requested":
            expect(
                live is None,
                expected="one live export of a job and type at a time",
                got=f"{event['target_id']} was requested (ledger_seq {event['ledger_seq']}) "
                f"while {live} was {' or '.join(sorted(LIVE_STATES))}",
            )
            live = event["target_id"]
        elif event["event_name"] in ENDINGS and event["target_id"] == live:
            live = None
