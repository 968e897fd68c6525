"""Concurrent requests on several instances have one effect."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from contracts.instances.export_races import ExportRaces
from contracts.shared.exports.workerless_system import (
    WorkerlessSystem,
    can_run_without_workers,
    workerless_system,
)
from contracts.shared.ledger.api_chain import expect_events
from contracts.shared.requests.concurrent_requests import (
    expect_one_live_at_a_time,
    expect_one_new_evidence,
    expect_one_record,
)
from contracts.shared.resources.api_instances import several_instances
from harness.check import check
from harness.client import Answer, Organization, Record, Samples, together
from harness.client.stalled_upload import finish_together
from harness.expect import expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

RACERS = 12
"""Requests in one race: several per instance."""

RACES = 2


@check(
    "instances.no-duplicates",
    "Concurrent requests on all instances: one record",
    checklist="Verify several API instances create no duplicates",
    needs={Capability.ORGANIZATIONS},
    observes=(4 + RACES) * RACERS,
)
async def check_no_duplicates(
    org: Organization,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
    cells: Cells,
) -> None:
    """Send the same request to every instance at the same time, several times each.

    Uploads with one key, or of the same bytes, must make one record; different uploads one record
    each; export requests one live export per type. On a system without workers, where writes can
    be held back until all requests have looked, each change of an export must happen once.
    """
    client = org.client
    instances = several_instances(client)
    turns = [instances[turn % len(instances)] for turn in range(RACERS)]

    race_of = partial(cells.of, operation="uploadEvidence")
    job, sample = await org.new_job(), samples.new("image/jpeg")
    async with race_of(interleaving="one key"):
        answers = await together(
            client.upload(job["id"], sample, key="one-key", instance=turn) for turn in turns
        )
        expect_one_record(answers, new_status=201, what="uploads with one key")
        await expect_evidence_listed(org, job["id"], 1, "uploads with one key")
        observe(RACERS, what="one key")

    for race in range(RACES):
        job, sample = await org.new_job(), samples.new("application/pdf")
        keys = [(f"key-{race}-{number}", turn) for number, turn in enumerate(turns)]
        async with race_of(interleaving="the same bytes"):
            expect_one_new_evidence(await finish_together(client, job, sample, keys))
            await expect_evidence_listed(org, job["id"], 1, "uploads of the same bytes")
            observe(RACERS, what="same bytes")

    jobs = [await org.new_job() for _ in range(3)]
    uploads = [(turn, jobs[turn % 3]["id"], samples.new("image/gif")) for turn in turns]
    async with race_of(interleaving="different bytes"):
        answers = await together(
            client.upload(job_id, sample, key=f"own-key-{number}", instance=turn)
            for number, (turn, job_id, sample) in enumerate(uploads)
        )
        await expect_all_stored(org, jobs, answers)
        observe(RACERS, what="different bytes")

    job, types = await org.new_job(), client.export_types
    answers = await together(
        client.request_export(job["id"], export_type, instance=turn)
        for turn in turns
        for export_type in types
    )
    for nth, export_type in enumerate(types):
        async with cells.of(operation="requestExport", type=export_type):
            of_type = answers[nth :: len(types)]
            await expect_one_live_at_a_time(client, job["id"], of_type, export_type=export_type)
            observe(RACERS, what=export_type)

    if can_run_without_workers(target):
        async with workerless_system(fresh_system, target, api_instances=2) as workerless:
            tenant = await workerless.new_organization()
            await look_at_held_uploads(workerless, tenant, samples, cells, observe)
            await ExportRaces(workerless, tenant, cells, observe).look_at()


async def look_at_held_uploads(
    workerless: WorkerlessSystem,
    org: Organization,
    samples: Samples,
    cells: Cells,
    observe: Observations,
) -> None:
    """Judge that uploads that have all found nothing stored, and then store, leave one record."""
    client = org.client
    turns = [turn % client.instances for turn in range(RACERS)]
    for case, keys in (
        ("simultaneous uploads of the same bytes", [f"held-{turn}" for turn in range(RACERS)]),
        ("simultaneous uploads with one key", ["held"] * RACERS),
    ):
        job, sample = await org.new_job(), samples.new("image/webp")
        async with cells.of(operation="uploadEvidence", interleaving=case):
            race = together(
                client.upload(job["id"], sample, key=key, instance=turn)
                for key, turn in zip(keys, turns, strict=True)
            )
            answers = await workerless.run_with_writes_held("evidence", race)
            if len(set(keys)) == 1:
                expect_one_record(answers, new_status=201, what=case)
            else:
                expect_one_new_evidence(answers)
            await expect_evidence_listed(org, job["id"], 1, case)
            observe(RACERS, what="simultaneous uploads")


async def expect_all_stored(
    org: Organization, jobs: Sequence[Record], answers: Sequence[Answer]
) -> None:
    """Fail unless different uploads were all stored, each once."""
    for answer in answers:
        expect_status(answer, 201, detail="different files with different keys")
    made = Counter(answer.data["id"] for answer in answers)
    shown: Counter[str] = Counter()
    for job in jobs:
        listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
        shown.update(item["id"] for item in listed)
    expect_equal(shown, made, "IDs of evidence in three jobs after concurrent uploads")


async def expect_evidence_listed(org: Organization, job_id: str, count: int, what: str) -> None:
    """Fail unless every instance shows so many records of the job, each with one ledger event."""
    listed: list[Record] = []
    for instance in range(org.client.instances):
        listed = await org.client.listed("listEvidence", path={"job_id": job_id}, instance=instance)
        shown = f"number of records on API instance {instance + 1} after {what}"
        expect_equal(len(listed), count, shown, subject="listEvidence")
    for evidence in listed:
        await expect_events(org.client, evidence["id"], ["evidence.sealed"], what)
