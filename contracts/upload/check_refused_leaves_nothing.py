"""A refused or interrupted upload leaves nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from contracts.shared.resources.evidence import expect_evidence_ids
from contracts.shared.resources.stored_objects import StoredObjects
from contracts.upload.refused_uploads import LARGE, Refusals, accepted_after_refusal
from harness.check import check
from harness.client import Client, Organizations, Samples, together
from harness.database import Database
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect_equal, expect_status
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.waiting import wait_until

CLEANED_UP_WITHIN_S = 10.0
RACERS = 6
REFUSALS = 2 + 5 + 5 + 4 + 2 + 6
RETRIES = 4 + 2 + 2 + 6


@dataclass(frozen=True, kw_only=True)
class UploadSystem:
    """The system that is uploaded to, with its storage and database where they are accessible."""

    organizations: Organizations
    objects: StoredObjects | None = None
    database: Database | None = None
    """Of a system without other clients."""


@check(
    "upload.refused-leaves-nothing",
    "A refused or interrupted upload leaves nothing",
    checklist="Verify failed uploads leave nothing behind",
    needs={Capability.ORGANIZATIONS},
    observes=REFUSALS + RETRIES + RACERS,
)
async def check_refused_leaves_nothing(
    target: Target,
    organizations: Organizations,
    fresh_system: FreshSystem,
    samples: Samples,
    observe: Observations,
) -> None:
    """Have uploads refused in every way, and interrupt some.

    No record, event, object or row may be left. The key of each must be free: the same file, sent
    correctly with that key, must be accepted. Only the accepted uploads are there at the end.
    """
    async with _upload_system(target, organizations, fresh_system) as system:
        org, foreign = await system.organizations.several(2)
        client, job, foreign_job = org.client, await org.new_job(), await foreign.new_job()
        events_before = await _events(client)
        before = _files(system)
        answer = await client.upload(job["id"], samples.new("application/pdf"), key="used")
        kept = [str(expect_status(answer, 201).data["id"])]
        # The backend decides how many files one object takes.
        with_one = _files(system)
        files_per_object = len(with_one - before)
        rows = await _rows(system, target)

        refusals = await Refusals(
            org=org,
            samples=samples,
            limit=target.limits.max_upload_bytes,
            job_id=job["id"],
            other_job_id=(await org.new_job())["id"],
            foreign_job_id=foreign_job["id"],
            used_key="used",
        ).all()
        observe(len(refusals), what="refused")
        await expect_records(client, job["id"], kept, events_before, "after refused uploads")
        await expect_files(system, before=with_one, more=0, what="refused uploads")

        for refusal in refusals:
            if refusal.retry is not None:
                kept.append(await accepted_after_refusal(org, job, refusal))
                observe(what="accepted afterwards")
        raced = samples.of_size(LARGE)
        answers = await together(
            client.upload(job["id"], raced, key="raced") for _ in range(RACERS)
        )
        for answer in answers:
            expect_status(answer, 200, 201, 409, detail="the same upload many times at once")
        kept += {str(answer.data["id"]) for answer in answers if answer.status != 409}
        observe(RACERS, what="raced")

        what = f"{len(kept)} accepted uploads"
        await expect_records(client, job["id"], kept, events_before, f"after {what}")
        await expect_files(
            system, before=with_one, more=files_per_object * (len(kept) - 1), what=what
        )
        await expect_evidence_ids(
            foreign.client, foreign_job["id"], [], "of the other organization"
        )
        for table, count in (await _rows(system, target)).items():
            expect_equal(count, rows[table] + len(kept) - 1, f"rows in {table} after {what}")


@asynccontextmanager
async def _upload_system(
    target: Target, organizations: Organizations, fresh_system: FreshSystem
) -> AsyncIterator[UploadSystem]:
    """A fresh system where possible: then every file and row belongs to these uploads."""
    if not {Capability.SPAWN, Capability.DATABASE_CONTROL} <= target.capabilities():
        yield UploadSystem(organizations=organizations)
        return
    async with fresh_system(api_instances=1, workers=0) as own:
        yield UploadSystem(
            organizations=own.organizations,
            objects=StoredObjects.of(own.system, target),
            database=own.database,
        )


def _files(system: UploadSystem) -> set[Path]:
    return set(system.objects.files()) if system.objects is not None else set()


async def _events(client: Client) -> set[tuple[str, str]]:
    return {(event["event_name"], event["target_id"]) for event in await client.ledger_events()}


async def _rows(system: UploadSystem, target: Target) -> dict[str, int]:
    """The number of rows in the contract's tables, as far as they can be read."""
    counted: dict[str, int] = {}
    tables = ["evidence", *([target.ledger.table] if target.ledger is not None else [])]
    for table in tables if system.database is not None else ():
        query = f"SELECT count(*) AS rows FROM {table}"  # noqa: S608 - from the target file
        with suppress(Inconclusive):  # such as a table of another name
            assert system.database is not None
            counted[table] = (await system.database.fetch_one(query))["rows"]
    return counted


async def expect_records(
    client: Client, job_id: str, ids: list[str], events_before: set[tuple[str, str]], what: str
) -> None:
    """Fail unless the job holds these records, in any order, and the ledger an event of each.

    `events_before` are the events from before the first of them.
    """
    await expect_evidence_ids(client, job_id, ids, what)
    events = [(event["event_name"], event["target_id"]) for event in await client.ledger_events()]
    expect_equal(
        sorted(event for event in events if event not in events_before),
        sorted(("evidence.sealed", each) for each in ids),
        f"ledger events {what}",
    )


async def expect_files(system: UploadSystem, *, before: set[Path], more: int, what: str) -> None:
    """Fail unless the storage soon has exactly so many more files.

    A server may notice late that its client has left.
    """
    if system.objects is None:
        return

    def other_number(waited: str) -> CheckFailed:
        new = sorted(map(str, _files(system) - before))
        return CheckFailed(
            expected=f"{more} more files in the storage after {what}",
            got=f"{len(new)}: {', '.join(new[:10])}; {waited}",
        )

    await wait_until(
        lambda: len(_files(system) - before) == more,
        CLEANED_UP_WITHIN_S,
        "as many files",
        poll_s=0.02,
        error=other_number,
    )
