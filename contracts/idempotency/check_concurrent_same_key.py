"""Concurrent requests with one key have one effect."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from contracts.shared.requests.concurrent_requests import expect_one_record, expect_one_winner
from contracts.shared.requests.keyed_requests import (
    REUSE_REFUSED,
    KeyedRequest,
    expect_replayed,
    expect_reuse_refused,
    export_of,
    is_replay,
    upload_of,
)
from contracts.shared.resources.evidence import expect_evidence_ids
from contracts.shared.resources.rule_ids import EVENT_ONCE, EVENT_WRITTEN, ONE_RECORD
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Samples, together
from harness.client.stalled_upload import stalled_upload
from harness.errors import CheckFailed
from harness.expect import expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Capability

RACERS = 20
RACES = 3


@check(
    "idempotency.concurrent-same-key",
    "Concurrent requests with one key: one record",
    checklist="Verify evidence upload idempotency",
    needs={Capability.ORGANIZATIONS},
    observes=(RACES + 3) * RACERS + 3,
)
async def check_concurrent_same_key(
    org: Organization, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Send twenty requests with one key at the same time, uploads and export requests.

    They must make one record and one event, and every answer is the original or its replay. Of
    two different requests with one key exactly one has it. While an upload is in flight its key
    is held, and an interrupted upload sets its key free.
    """
    job = await org.new_job()
    await race_uploads(org, job, samples, observe, cells)
    await race_exports(org, job, observe, cells)

    job, other_job = await org.new_job(), await org.new_job()
    sample = samples.new("image/webp")
    uploads = [upload_of(job, sample), upload_of(other_job, sample, tag="raced")]
    light = org.client.light_type
    exports = [export_of(job, light), export_of(other_job, light, {"phase": "after"})]
    for rivals, key, what in (
        (uploads, "race-of-two-uploads", "different uploads"),
        (exports, "race-of-two-exports", "different export requests"),
    ):
        async with cells.of(operation=rivals[0].operation_id, case="two requests race for one key"):
            with one_effect(rivals[0].operation_id):
                await expect_one_rival_wins(org, rivals, key)
            observe(RACERS, what=what)

    for beside, key in (("the same upload", "in-flight-1"), ("another upload", "in-flight-2")):
        async with cells.of(operation="uploadEvidence", case=f"{beside} while one is in flight"):
            is_same = beside == "the same upload"
            with one_effect("uploadEvidence"):
                await expect_held_while_in_flight(org, samples, key, is_same=is_same)
            observe(what="in flight")
    async with cells.of(operation="uploadEvidence", case="again after its client disconnected"):
        await expect_free_after_disconnect(org, samples, "in-flight-3")
        observe(what="in flight")


async def race_uploads(
    org: Organization, job: Record, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Race equal uploads under one key, each time a new one; the job then has one of each."""
    uploads = [upload_of(job, samples.new("image/png"), tag="raced") for _ in range(RACES)]
    raced = [
        await look_at_race(org, upload, f"race-{number}", "evidence.sealed", cells)
        for number, upload in enumerate(uploads)
    ]
    observe(RACERS * sum(raced), what="uploads")
    if all(raced):
        async with cells.of(operation="listEvidence", case="after equal requests raced"):
            listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
            expect_equal(len(listed), RACES, f"number of records after {RACES} races of uploads")


async def race_exports(org: Organization, job: Record, observe: Observations, cells: Cells) -> None:
    """Race equal export requests under one key; the job then has one export."""
    if await look_at_race(org, export_of(job), "race-export", "export.requested", cells):
        observe(RACERS, what="export requests")
        async with cells.of(operation="listExports", case="after equal requests raced"):
            exports = await org.client.listed("listExports", path={"job_id": job["id"]})
            what = "number of exports after concurrent requests with one key"
            expect_equal(len(exports), 1, what)


@contextmanager
def one_effect(operation_id: str) -> Iterator[None]:
    """Take what goes wrong in a race for one finding: which answer shows it first is chance."""
    try:
        yield
    except CheckFailed as failure:
        if failure.rule in (ONE_RECORD, REUSE_REFUSED):
            failure.rule, failure.subject = ONE_RECORD, operation_id
            failure.aspect = "one effect of concurrent requests with one key"
        raise


async def raced(
    client: Client, requests: Sequence[KeyedRequest], key: str
) -> list[tuple[KeyedRequest, Answer]]:
    """Send `RACERS` requests with one key at the same time, each kind to every instance in turn."""
    turns = [
        (requests[turn % len(requests)], turn // len(requests) % client.instances)
        for turn in range(RACERS)
    ]
    answers = await together(
        request.send(client, key, instance=instance) for request, instance in turns
    )
    return [(request, answer) for (request, _), answer in zip(turns, answers, strict=True)]


async def look_at_race(
    org: Organization, request: KeyedRequest, key: str, event_name: str, cells: Cells
) -> bool:
    """Look whether concurrent equal requests with one key have one effect that each answer shows.

    Says whether they made one record; only then its replays and events can be looked at.
    """
    operation, what = request.operation_id, f"{request.operation_id} with one key"
    firsts: list[Answer] = []
    async with cells.of(operation=operation, case="equal requests race"):
        with one_effect(operation):
            answers = [answer for _, answer in await raced(org.client, [request], key)]
            expect_one_record(answers, new_status=request.new_status, what=what)
            first = next(answer for answer in answers if is_first(answer))
            for answer in answers:
                if answer.flag("x-idempotency-replayed"):
                    expect_replayed(answer, first)
            for instance in range(org.client.instances):  # also for racers that got 409
                again = await request.send_until_decided(org.client, key, instance=instance)
                expect_replayed(again, first)
            firsts.append(first)
    for first in firsts:
        async with cells.of(operation=operation, case="events after the race"):
            events = await org.client.ledger_events(target_id=first.data["id"])
            names = [event["event_name"] for event in events if event["event_name"] == event_name]
            expect_equal(
                names,
                [event_name],
                f"{event_name} events after {RACERS} concurrent {what}",
                rule=EVENT_ONCE if names else EVENT_WRITTEN,
                subject=event_name,
            )
    return bool(firsts)


async def expect_one_rival_wins(
    org: Organization, rivals: Sequence[KeyedRequest], key: str
) -> None:
    """Fail unless exactly one of two different requests, raced with one key, has the key."""
    before = await take_snapshot(org.client)
    answers = await raced(org.client, rivals, key)
    winner, first = expect_one_winner(answers)
    for rival in rivals:
        again = await rival.send_until_decided(org.client, key, instance=0)
        if rival is winner:
            expect_replayed(again, first)
        else:
            expect_reuse_refused(again, "another body that lost the race for the key")
    after = await take_snapshot(org.client)
    expect_equal(
        len(after.evidence + after.exports) - len(before.evidence + before.exports),
        1,
        f"number of new records after {RACERS} requests of two kinds with one key",
    )
    events = sum(after.by_requests.values()) - sum(before.by_requests.values())
    expect_equal(events, 1, f"number of new events after {RACERS} requests of two kinds")


async def expect_held_while_in_flight(
    org: Organization, samples: Samples, key: str, *, is_same: bool
) -> None:
    """Fail unless a second request, sent while the first one's body is incomplete, adds nothing.

    The second may get 409, or may win; then the slow one is the replay. With `is_same` the second
    is the same request, else another one.
    """
    job, slow = await org.new_job(), samples.new("image/png")
    first = upload_of(job, slow)
    second = first if is_same else upload_of(job, samples.new("image/png"))
    last = org.client.instances - 1
    async with stalled_upload(org.client, job, slow, key=key, instance=0) as stalled:
        beside = await second.send(org.client, key, instance=last)
        finished = await stalled.finish()
    if is_same:
        expect_one_record([finished, beside], new_status=201, what="uploads, one of them slow,")
    else:
        expect_one_winner([(first, finished), (second, beside)])
    winner = first if is_same or finished.status == 201 else second
    original = finished if is_first(finished) else beside
    expect_replayed(await winner.send_until_decided(org.client, key, instance=0), original)
    ids = [original.data["id"]]
    await expect_evidence_ids(org.client, job["id"], ids, "after two uploads with one key")


async def expect_free_after_disconnect(org: Organization, samples: Samples, key: str) -> None:
    """Fail unless the key of an interrupted upload can be used again."""
    job, sample = await org.new_job(), samples.new("application/pdf")
    nothing = await take_snapshot(org.client, job)
    async with stalled_upload(org.client, job, sample, key=key, instance=0) as stalled:
        await stalled.disconnect()
    await expect_nothing_left(org.client, nothing, job, what="an interrupted upload")
    upload = upload_of(job, sample)
    again = await upload.send_until_decided(org.client, key, instance=0)
    expect_status(
        again, 201, detail="the same upload again, after its client disconnected half way"
    )
    for instance in range(1, org.client.instances):
        expect_replayed(await upload.send_until_decided(org.client, key, instance=instance), again)


def is_first(answer: Answer) -> bool:
    """Whether this is the first answer under its key."""
    return answer.status in {201, 202} and not is_replay(answer)
