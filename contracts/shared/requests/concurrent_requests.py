"""What concurrent requests may answer when together they may leave only one record."""

from collections import Counter
from collections.abc import Sequence

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_replayed,
    expect_reuse_refused,
    is_done_again,
    is_in_flight,
    is_replay,
)
from contracts.shared.resources.conventions import expect_retry_after
from contracts.shared.resources.rule_ids import ONE_RECORD, REPLAY_MARKED
from harness.client import LIVE_STATES, Answer, Client, Record
from harness.expect import expect, expect_equal, expect_status

DEDUPLICATED = "upload.one-record-of-bytes"
"""The rule that a job has each file once."""

ONE_LIVE = "export.one-live"
"""The rule that a job has one live export of a type."""

FINAL_EVENTS = {"export.completed", "export.failed", "export.canceled"}
IN_FLIGHT = "the 409 to a key in flight"


def expect_one_record(answers: Sequence[Answer], *, new_status: int, what: str) -> str:
    """Fail unless one of many equal requests under one key was new; give the record's ID.

    Every other answer is a replay, or 409 with Retry-After while the first is still in flight.
    """
    for answer in answers:
        detail = f"one of {len(answers)} {what}"
        expect_status(answer, 200, new_status, 409, detail=detail, rule=ONE_RECORD)
        if is_in_flight(answer):
            expect_retry_after(answer, IN_FLIGHT)
    accepted = [answer for answer in answers if not is_in_flight(answer)]
    ids = Counter(answer.data["id"] for answer in accepted)
    expect(
        len(ids) == 1,
        expected=f"one record from {len(answers)} concurrent {what}",
        got=f"{len(ids)} records: {dict(ids)}",
        rule=ONE_RECORD,
        subject=answers[0].operation_id,
    )
    if accepted[0].lacks_header("x-idempotency-replayed"):  # nothing tells replays from the first
        return str(next(iter(ids)))
    firsts = [answer for answer in accepted if not is_replay(answer)]
    expect(
        len(firsts) == 1 and firsts[0].status == new_status,
        expected=f"one {new_status} without X-Idempotency-Replayed among {len(answers)} {what}, "
        "and every other 2xx a replay of it",
        got=f"{len(firsts)} without it: {[answer.describe() for answer in firsts[:3]]}",
        rule=ONE_RECORD if any(map(is_done_again, firsts)) else REPLAY_MARKED,
        subject=answers[0].operation_id,
    )
    return str(next(iter(ids)))


def expect_one_winner(
    answers: Sequence[tuple[KeyedRequest, Answer]],
) -> tuple[KeyedRequest, Answer]:
    """Fail unless one of several concurrent requests has the key; give it and its answer.

    The same request again is a replay, another request is refused (422); both may get 409 with
    Retry-After while the first is in flight.
    """
    firsts = [
        (request, answer)
        for request, answer in answers
        if answer.status == request.new_status and not is_replay(answer)
    ]
    made = {answer.data["id"] for _, answer in firsts}
    expect(
        len(firsts) == 1,
        expected=f"one new answer to {len(answers)} concurrent requests with one key",
        got=f"{len(firsts)}: {[answer.describe() for _, answer in firsts[:3]]}",
        rule=REPLAY_MARKED if len(made) == 1 else ONE_RECORD,
        subject=answers[0][1].operation_id,
    )
    winner, first = firsts[0]
    for request, answer in answers:
        if answer is first:
            continue
        if is_in_flight(answer):
            expect_retry_after(answer, IN_FLIGHT)
        elif request is winner:
            expect_replayed(answer, first)
        else:
            expect_reuse_refused(answer, "another body, at the same time")
    return winner, first


def expect_new_evidence(answer: Answer, what: str) -> None:
    """Fail unless an upload made a new record and is not marked as deduplicated."""
    expect_status(answer, 201, detail=what, rule=DEDUPLICATED)
    expect(
        not answer.flag("x-evidence-deduplicated"),
        expected="no X-Evidence-Deduplicated with new evidence",
        got=answer.describe(),
        detail=what,
        rule="header.deduplicated",
        subject=answer.operation_id,
    )


def expect_deduplicated(answer: Answer, existing: Record, what: str) -> None:
    """Fail unless an upload was answered with the existing record, unchanged, and is marked so."""
    detail, subject = f"{what}: bytes that the job has already, another key", answer.operation_id
    expect_status(answer, 200, detail=detail, rule=DEDUPLICATED)
    expect_equal(
        answer.data,
        existing,
        "data of the existing record",
        detail=detail,
        rule=DEDUPLICATED,
        subject=subject,
    )
    if answer.lacks_header("x-evidence-deduplicated"):
        return
    expect(
        answer.flag("x-evidence-deduplicated"),
        expected="X-Evidence-Deduplicated: true for bytes that the job has already",
        got=f"{answer.headers.get('x-evidence-deduplicated')!r} with {answer.describe()}",
        detail=detail,
        rule="header.deduplicated",
        subject=subject,
    )


def expect_one_new_evidence(answers: Sequence[Answer]) -> Answer:
    """Fail unless one of many concurrent uploads of the same bytes made the record; give it.

    Every upload has a key of its own. Each other one is answered with that record.
    """
    for answer in answers:
        detail = "concurrent uploads of the same bytes, other keys"
        expect_status(answer, 200, 201, detail=detail, rule=DEDUPLICATED)
    new = [answer for answer in answers if answer.status == 201]
    ids = Counter(answer.data["id"] for answer in answers)
    expect(
        len(new) == 1 and len(ids) == 1,
        expected=f"one 201 and one record from {len(answers)} concurrent uploads of the same bytes",
        got=f"{len(new)} times 201, records: {dict(ids)}",
        rule=DEDUPLICATED,
        subject=answers[0].operation_id,
    )
    expect_new_evidence(new[0], "the first of many")
    for answer in answers:
        if answer is not new[0]:
            expect_deduplicated(answer, new[0].data, "at the same time")
    return new[0]


async def expect_one_live_at_a_time(
    client: Client, job_id: str, answers: Sequence[Answer], *, export_type: str
) -> None:
    """Fail unless requests for one job and type never had two live exports at the same time.

    A worker may finish one export between two requests; then the next request correctly makes a
    new one. The order of the ledger's events shows whether the earlier one had ended by then.
    """
    for answer in answers:
        expect_status(answer, 200, 202, rule=ONE_LIVE)
    accepted = {answer.data["id"] for answer in answers if answer.status == 202}
    for answer in answers:
        if answer.status == 200:
            expect_export_in_progress(answer)
            expect(
                answer.data["id"] in accepted,
                expected=f"an export that was accepted with 202, one of {sorted(accepted)}",
                got=answer.describe(),
                rule=ONE_LIVE,
                subject=answer.operation_id,
            )
    listed = await client.listed("listExports", path={"job_id": job_id})
    of_type = {export["id"] for export in listed if export["export_type"] == export_type}
    what = f"IDs of the {export_type} exports of the job"
    expect_equal(of_type, accepted, what, rule=ONE_LIVE, subject="listExports")
    live: str | None = None
    for event in await client.ledger_events():
        if event["target_id"] not in accepted:
            continue
        if event["event_name"] == "export.requested":
            expect(
                live is None,
                expected="one live export of a job and type at a time",
                got=f"{event['target_id']} was requested (event {event['id']}) "
                f"while {live} was {' or '.join(sorted(LIVE_STATES))}",
                rule=ONE_LIVE,
                subject="requestExport",
            )
            live = event["target_id"]
        elif event["event_name"] in FINAL_EVENTS and event["target_id"] == live:
            live = None


def expect_live_export(answer: Answer, export_id: str, *, detail: str = "") -> None:
    """Fail unless a request was answered with the export that is live already."""
    subject = answer.operation_id
    detail = detail or "one live export of a job and type at a time"
    expect_status(answer, 200, detail=detail, rule=ONE_LIVE)
    what = "ID of the live export"
    expect_equal(answer.data["id"], export_id, what, detail=detail, rule=ONE_LIVE, subject=subject)
    expect_export_in_progress(answer)


def expect_export_in_progress(answer: Answer) -> None:
    """Fail unless an answer with the live export is marked as such."""
    if answer.lacks_header("x-export-in-progress"):
        return
    expect(
        answer.flag("x-export-in-progress"),
        expected="X-Export-In-Progress: true with the live export",
        got=answer.describe(),
        rule="header.export-in-progress",
        subject=answer.operation_id,
    )
