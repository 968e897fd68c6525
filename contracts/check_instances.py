"""Several API instances are one backend: what one has written the others know at once."""

from collections import Counter

from contracts.one_record import expect_one_answered, expect_one_at_a_time
from harness.check import check
from harness.client import Answer, Organisation, Record, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations

RACERS = 12
"""Requests in one race: several per instance."""


@check(
    "instances.read-your-writes",
    "What one instance has written every other one reads at once",
    checklist="Verify several API instances behave as one",
    observes=18,
)
async def check_read_your_writes(
    org: Organisation, samples: Samples, observe: Observations
) -> None:
    client = org.client
    instances = several(client.instances)
    for writer in instances:
        readers = [instance for instance in instances if instance != writer]
        job = await client.create_job(f"Written by instance {writer + 1}", instance=writer)
        for reader in readers:
            shown = await client.call("getJob", path={"job_id": job["id"]}, instance=reader)
            expect_seen(shown, job["id"], writer)
            observe(what="job")

        sample = samples.new()
        uploaded = expect_status(await client.upload(job["id"], sample, instance=writer), 201).data
        path = {"evidence_id": uploaded["id"]}
        for reader in readers:
            expect_seen(
                await client.call("getEvidence", path=path, instance=reader), uploaded["id"], writer
            )
            content = await client.call("getEvidenceContent", path=path, instance=reader)
            expect_status(content, 200, detail=f"uploaded to API instance {writer + 1} just before")
            expect_equal(content.body, sample.content, "the content read on another instance")
            events = await client.ledger_events(target_id=uploaded["id"], instance=reader)
            expect_equal(len(events), 1, f"the events that API instance {reader + 1} shows of it")
            observe(what="evidence")

        requested = await client.request_export(job["id"], instance=writer)
        export_id = expect_status(requested, 202).data["id"]
        for reader in readers:
            expect_seen(
                await client.call("getExport", path={"export_id": export_id}, instance=reader),
                export_id,
                writer,
            )
            listed = await client.listed("listExports", path={"job_id": job["id"]}, instance=reader)
            expect_equal(
                [export["id"] for export in listed],
                [export_id],
                f"the job's exports on API instance {reader + 1}",
            )
            observe(what="export")


@check(
    "instances.no-duplicates",
    "One request raced over all instances leaves one record",
    checklist="Verify several API instances create no duplicates",
    observes=3 * RACERS,
)
async def check_no_duplicates(org: Organisation, samples: Samples, observe: Observations) -> None:
    client = org.client
    instances = several(client.instances)
    turns = [instances[turn % len(instances)] for turn in range(RACERS)]

    job, sample = await org.new_job(), samples.new("image/jpeg")
    answers = await together(
        client.upload(job["id"], sample, key="one key", instance=turn) for turn in turns
    )
    expect_one_answered(answers, fresh=201, what="uploads under one key")
    await expect_evidence_listed(org, job["id"], 1, "uploads of one request under one key")
    observe(RACERS, what="one key")

    job, sample = await org.new_job(), samples.new("application/pdf")
    answers = await together(
        client.upload(job["id"], sample, key=f"key {number}", instance=turn)
        for number, turn in enumerate(turns)
    )
    expect_one_stored(answers)
    await expect_evidence_listed(org, job["id"], 1, "uploads of the same bytes under other keys")
    observe(RACERS, what="same bytes")

    job = await org.new_job()
    answers = await together(client.request_export(job["id"], instance=turn) for turn in turns)
    await expect_one_at_a_time(client, job["id"], answers)
    observe(RACERS, what="exports")


def several(instances: int) -> list[int]:
    """Give the instances' numbers; `Inconclusive` where there is only one to look at."""
    if instances < 2:
        raise Inconclusive("this target has one API instance, so there is no other to compare with")
    return list(range(instances))


def expect_seen(answer: Answer, resource_id: str, writer: int) -> None:
    """Fail unless another instance shows what was written a moment ago."""
    expect_status(answer, 200, detail=f"written through API instance {writer + 1} just before")
    expect_equal(answer.data["id"], resource_id, f"the id that {answer.operation_id} shows")


def expect_one_stored(answers: list[Answer]) -> None:
    """Fail unless one upload was stored and every other was answered with that record."""
    for answer in answers:
        expect_status(answer, 200, 201, detail="the same bytes for the same job, other keys")
    ids = Counter(answer.data["id"] for answer in answers)
    expect(
        len(ids) == 1,
        expected="the same bytes, raced for one job under different keys, to be one record",
        came=f"{len(ids)} records: {dict(ids)}",
    )
    stored = [answer for answer in answers if answer.status == 201]
    expect_equal(len(stored), 1, "the number of 201 among uploads of the same bytes")
    for answer in answers:
        expect(
            answer.status == 201 or answer.flag("x-evidence-deduplicated"),
            expected="X-Evidence-Deduplicated: true on the same bytes under another key",
            came=answer.describe(),
        )


async def expect_evidence_listed(org: Organisation, job_id: str, count: int, what: str) -> None:
    """Fail unless the job has so much evidence, each with one ledger event, on every instance."""
    listed: list[Record] = []
    for instance in range(org.client.instances):
        listed = await org.client.listed("listEvidence", path={"job_id": job_id}, instance=instance)
        expect_equal(
            len(listed), count, f"the records that API instance {instance + 1} shows of {what}"
        )
    for evidence in listed:
        events = await org.client.ledger_events(target_id=evidence["id"])
        expect_equal(
            [event["event_name"] for event in events],
            ["evidence.sealed"],
            f"the ledger events of {what}",
        )
