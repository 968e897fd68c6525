"""Concurrent requests with one key have one effect."""

from collections.abc import Sequence

from contracts.shared.requests.concurrent_requests import expect_one_record, expect_one_winner
from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_replayed,
    expect_reuse_refused,
    export_of,
    is_replay,
    upload_of,
)
from contracts.shared.requests.stalled_upload import stalled_upload
from contracts.shared.resources.evidence import expect_evidence_ids
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
    "Concurrent requests with one key: one record",
    checklist="Verify evidence upload idempotency",
    needs={Capability.ORGANIZATIONS},
    observes=(RACES + 3) * RACERS + 3,
)
async def check_concurrent_same_key(
    org: Organization, samples: Samples, observe: Observations
) -> None:
    """Send twenty requests with one key at the same time, uploads and export requests.

    They must make one record and one event, and every answer is the original or its replay. Of
    two different requests with one key exactly one has it. While an upload is in flight its key
    is held, and an interrupted upload sets its key free.
    """
    job = await org.new_job()
    for number in range(RACES):
        upload = upload_of(job, samples.new("image/png"), tag="raced")
        await expect_one_effect(org, upload, f"race-{number}", "evidence.sealed")
        observe(RACERS, what="uploads")
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal(len(listed), RACES, f"number of records after {RACES} races of uploads")

    await expect_one_effect(org, export_of(job), "race-export", "export.requested")
    exports = await org.client.listed("listExports", path={"job_id": job["id"]})
    expect_equal(len(exports), 1, "number of exports after concurrent requests with one key")
    observe(RACERS, what="export requests")

    job, other_job = await org.new_job(), await org.new_job()
    sample = samples.new("image/webp")
    rivals = [upload_of(job, sample), upload_of(other_job, sample, tag="raced")]
    await expect_one_rival_wins(org, rivals, "race-of-two-uploads")
    observe(RACERS, what="different uploads")
    rivals = [export_of(job, "ledger"), export_of(other_job, "ledger", {"phase": "after"})]
    await expect_one_rival_wins(org, rivals, "race-of-two-exports")
    observe(RACERS, what="different export requests")

    await expect_held_while_in_flight(org, samples, "in-flight-1", is_same=True)
    await expect_held_while_in_flight(org, samples, "in-flight-2", is_same=False)
    await expect_free_after_disconnect(org, samples, "in-flight-3")
    observe(3, what="in flight")


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


async def expect_one_effect(
    org: Organization, request: KeyedRequest, key: str, event_name: str
) -> None:
    """Fail unless concurrent equal requests with one key have one effect that each answer shows."""
    answers = [answer for _, answer in await raced(org.client, [request], key)]
    what = f"{request.operation_id} with one key"
    record_id = expect_one_record(answers, new_status=request.new_status, what=what)
    (first,) = (answer for answer in answers if is_first(answer))
    for answer in answers:
        if answer.flag("x-idempotency-replayed"):
            expect_replayed(answer, first)
    for instance in range(org.client.instances):  # also for racers that got 409
        expect_replayed(await request.send_until_decided(org.client, key, instance=instance), first)
    events = await org.client.ledger_events(target_id=record_id)
    names = [event["event_name"] for event in events if event["event_name"] == event_name]
    expect_equal(names, [event_name], f"{event_name} events after {RACERS} concurrent {what}")


async def expect_one_rival_wins(
    org: Organization, rivals: Sequence[KeyedRequest], key: str
) -> None:
    """Fail unless exactly one of two different requests, raced with one key, has the key."""
    before = await take_snapshot(org.client)
    answers = await raced(org.client, rivals, key)
    winner, first = expect_one_winner(answers)
    for rival in rivals:
        again = await rival.send_until_decided(org.client, key)
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
    expect_replayed(await winner.send_until_decided(org.client, key), original)
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
