"""A client that repeats itself, because an answer was lost, changes nothing by it."""

from collections.abc import Sequence

from contracts.idempotency.settled import settled
from contracts.shared.requests.concurrent_requests import expect_one_record, expect_one_winner
from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_original,
    expect_reuse_refused,
    export_of,
    upload_of,
)
from contracts.shared.requests.stalled_upload import stalled_upload
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from harness.check import check
from harness.client import Answer, Client, Organization, Samples, together
from harness.expect import expect_equal, expect_status
from harness.plugin.observations import Observations
from harness.target import Capability

RACERS = 20
RACES = 3


@check(
    "idempotency.concurrent-same-key",
    "Twenty requests with one key at once: one record, one event",
    checklist="Verify evidence upload idempotency",
    needs={Capability.ORGANIZATIONS},
    observes=(RACES + 3) * RACERS + 3,
)
async def check_concurrent_same_key(
    org: Organization, samples: Samples, observe: Observations
) -> None:
    job = await org.new_job()
    for number in range(RACES):
        upload = upload_of(job, samples.new("image/png"), tag="raced")
        await expect_one_effect(org, upload, f"race-{number}", "evidence.sealed")
        observe(RACERS, what="uploads")
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal(len(listed), RACES, f"the records after {RACES} raced uploads")

    await expect_one_effect(org, export_of(job), "race-export", "export.requested")
    exports = await org.client.listed("listExports", path={"job_id": job["id"]})
    expect_equal(len(exports), 1, "the exports of the job after raced requests under one key")
    observe(RACERS, what="export requests")

    job, other_job = await org.new_job(), await org.new_job()
    sample = samples.new("image/webp")
    contenders = [upload_of(job, sample), upload_of(other_job, sample, tag="raced")]
    await expect_one_contender(org, contenders, "race-of-two-uploads")
    observe(RACERS, what="different uploads")
    contenders = [export_of(job, "ledger"), export_of(other_job, "ledger", {"phase": "after"})]
    await expect_one_contender(org, contenders, "race-of-two-exports")
    observe(RACERS, what="different export requests")

    await expect_held_while_in_flight(org, samples, "in-flight-1", finish_first=True)
    await expect_held_while_in_flight(org, samples, "in-flight-2", finish_first=False)
    await expect_free_after_a_cut(org, samples, "in-flight-3")
    observe(3, what="in flight")


async def raced(
    client: Client, requests: Sequence[KeyedRequest], key: str
) -> list[tuple[KeyedRequest, Answer]]:
    """Send so many requests under one key at once, each kind to every instance in turn."""
    turns = [
        (requests[turn % len(requests)], turn // len(requests) % client.instances)
        for turn in range(RACERS)
    ]
    answers = await together(
        request.send(client, key, instance=instance) for request, instance in turns
    )
    return [(request, answer) for (request, _), answer in zip(turns, answers, strict=True)]


async def expect_one_effect(
    org: Organization, request: KeyedRequest, key: str, event_name: str
) -> None:
    """Fail unless one request, raced under one key, had one effect, and every racer learns it."""
    answers = [answer for _, answer in await raced(org.client, [request], key)]
    what = f"same requests to {request.operation_id} under one key"
    record_id = expect_one_record(answers, fresh=request.fresh, what=what)
    (first,) = (answer for answer in answers if is_first(answer))
    for answer in answers:
        if answer.flag("x-idempotency-replayed"):
            expect_original(answer, first)
    for instance in range(org.client.instances):  # what who was told to wait gets in the end
        expect_original(await settled(org.client, request, key, instance=instance), first)
    events = await org.client.ledger_events(target_id=record_id)
    names = [event["event_name"] for event in events if event["event_name"] == event_name]
    expect_equal(names, [event_name], f"the {event_name} events of {what}, raced {RACERS} times")


async def expect_one_contender(
    org: Organization, contenders: Sequence[KeyedRequest], key: str
) -> None:
    """Fail unless of two different requests, raced under one key, exactly one has the key."""
    jobs = await org.client.listed("listJobs")
    before = await take_snapshot(org.client, *jobs)
    answers = await raced(org.client, contenders, key)
    winner, first = expect_one_winner(answers)
    for contender in contenders:
        again = await settled(org.client, contender, key)
        if contender is winner:
            expect_original(again, first)
        else:
            expect_reuse_refused(again, "another body, which lost the race for the key")
    after = await take_snapshot(org.client, *jobs)
    expect_equal(
        len(after.evidence + after.exports) - len(before.evidence + before.exports),
        1,
        f"the records that {RACERS} requests of two kinds under one key left",
    )
    events = sum(after.by_requests.values()) - sum(before.by_requests.values())
    expect_equal(events, 1, f"the events that {RACERS} requests of two kinds under one key left")


async def expect_held_while_in_flight(
    org: Organization, samples: Samples, key: str, *, finish_first: bool
) -> None:
    """Fail unless a second request, while the first one's body is still coming, adds nothing.

    It may be told to wait (409), or come first; then the one that was slow is the repetition.
    With `finish_first` the second is the same request, else another one.
    """
    job, slow = await org.new_job(), samples.new("image/png")
    first = upload_of(job, slow)
    second = first if finish_first else upload_of(job, samples.new("image/png"))
    last = org.client.instances - 1
    async with stalled_upload(org.client, job, slow, key=key, instance=0) as stalled:
        beside = await second.send(org.client, key, instance=last)
        finished = await stalled.finish()
    if finish_first:
        expect_one_record([finished, beside], fresh=201, what="uploads, one of them slow,")
    else:
        expect_one_winner([(first, finished), (second, beside)])
    winner = first if finish_first or finished.status == 201 else second
    original = finished if is_first(finished) else beside
    expect_original(await settled(org.client, winner, key), original)
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal([item["id"] for item in listed], [original.data["id"]], "the job's evidence")


async def expect_free_after_a_cut(org: Organization, samples: Samples, key: str) -> None:
    """Fail unless a key whose upload was cut off in the middle can be used again."""
    job, sample = await org.new_job(), samples.new("application/pdf")
    nothing = await take_snapshot(org.client, job)
    async with stalled_upload(org.client, job, sample, key=key, instance=0) as stalled:
        await stalled.cut()
    await expect_nothing_left(org.client, nothing, job, what="an upload that was cut off")
    upload = upload_of(job, sample)
    again = await settled(org.client, upload, key, instance=0)
    expect_status(again, 201, detail="the same upload once more, after it was cut off half way")
    for instance in range(1, org.client.instances):
        expect_original(await settled(org.client, upload, key, instance=instance), again)


def is_first(answer: Answer) -> bool:
    """Whether this is the first answer under its key."""
    return answer.status in {201, 202} and not answer.flag("x-idempotency-replayed")
