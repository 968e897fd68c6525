"""Nothing is left of an upload that was refused or broken off."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from contracts.upload.refused_uploads import LARGE, Refusals, accepted_after_all
from contracts.upload.storage_folder import StorageFolder
from harness.check import check
from harness.client import Client, Organizations, Samples, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

CLEANED_UP_WITHIN_S = 10.0
RACERS = 6
REFUSALS = 2 + 5 + 5 + 4 + 2 + 6
RETRIES = 4 + 2 + 2 + 6


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the uploads go, and as much of its inside as can be seen."""

    organizations: Organizations
    storage: StorageFolder | None = None
    database: Database | None = None
    """Of a system on which nobody else is."""


@check(
    "upload.refused-leaves-nothing",
    "A refused or interrupted upload leaves no record, no event and no object, and its key free",
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
    async with _place(target, organizations, fresh_system) as place:
        org, foreign = await place.organizations.several(2)
        client, job, foreign_job = org.client, await org.new_job(), await foreign.new_job()
        told = await _events(client)
        before = await _files(place)
        answer = await client.upload(job["id"], samples.new("application/pdf"), key="used")
        kept = [str(expect_status(answer, 201).data["id"])]
        # How many files one object is, is the backend's business; here it shows.
        with_one = await _files(place)
        an_object = len(with_one - before)
        rows = await _rows(place, target)

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
        await expect_records(client, job["id"], kept, told, "after uploads that were all refused")
        await expect_files(place, before=with_one, more=0, what="uploads that were all refused")

        for refusal in refusals:
            if refusal.retry is not None:
                kept.append(await accepted_after_all(client, job["id"], refusal))
                observe(what="accepted after all")
        raced = samples.of_size(LARGE)
        answers = await together(
            client.upload(job["id"], raced, key="raced") for _ in range(RACERS)
        )
        for answer in answers:
            expect_status(answer, 200, 201, 409, detail="the same upload many times at once")
        kept += {str(answer.data["id"]) for answer in answers if answer.status != 409}
        observe(RACERS, what="raced")

        what = f"{len(kept)} that were accepted"
        await expect_records(client, job["id"], kept, told, f"after {what}")
        await expect_files(
            place, before=with_one, more=an_object * (len(kept) - 1), what=f"{what} among others"
        )
        listed = await foreign.client.listed("listEvidence", path={"job_id": foreign_job["id"]})
        expect_equal(listed, [], "the evidence of somebody else")
        for table, count in (await _rows(place, target)).items():
            expect_equal(count, rows[table] + len(kept) - 1, f"the rows of {table} after {what}")


@asynccontextmanager
async def _place(
    target: Target, organizations: Organizations, fresh_system: FreshSystem
) -> AsyncIterator[Place]:
    """A system of its own where there can be one: then every file and row is of these uploads."""
    if not {Capability.SPAWN, Capability.DATABASE_CONTROL} <= target.capabilities():
        yield Place(organizations=organizations)
        return
    async with fresh_system(api_instances=1, workers=0) as own:
        yield Place(
            organizations=own.organizations,
            storage=StorageFolder.of(target, own.system),
            database=own.database,
        )


async def _files(place: Place) -> set[Path]:
    return set(await place.storage.files()) if place.storage is not None else set()


async def _events(client: Client) -> set[tuple[str, str]]:
    return {(event["event_name"], event["target_id"]) for event in await client.ledger_events()}


async def _rows(place: Place, target: Target) -> dict[str, int]:
    """How many rows the tables that the contract names have, as far as they can be read."""
    counted: dict[str, int] = {}
    tables = ["evidence", *([target.ledger.table] if target.ledger is not None else [])]
    for table in tables if place.database is not None else ():
        query = f"SELECT count(*) AS rows FROM {table}"  # noqa: S608 - from the target file
        with suppress(Inconclusive):  # kept in another way: what can be asked for is asked for
            assert place.database is not None
            counted[table] = (await place.database.fetch_one(query))["rows"]
    return counted


async def expect_records(
    client: Client, job_id: str, ids: list[str], told: set[tuple[str, str]], what: str
) -> None:
    """Fail unless the job holds these records, in any order, and the ledger an event of each.

    `told` are the events from before the first of them.
    """
    listed = await client.listed("listEvidence", path={"job_id": job_id})
    expect_equal(sorted(item["id"] for item in listed), sorted(ids), f"the evidence {what}")
    events = [(event["event_name"], event["target_id"]) for event in await client.ledger_events()]
    expect_equal(
        sorted(event for event in events if event not in told),
        sorted(("evidence.sealed", each) for each in ids),
        f"the ledger's events {what}",
    )


async def expect_files(place: Place, *, before: set[Path], more: int, what: str) -> None:
    """Fail unless, a moment later, there are as many files more in the storage as there may be.

    A server may notice a moment late that its client has gone.
    """
    if place.storage is None:
        return
    until = time.monotonic() + CLEANED_UP_WITHIN_S
    while True:
        new = await _files(place) - before
        if len(new) == more or time.monotonic() > until:
            break
        await asyncio.sleep(0.02)
    expect(
        len(new) == more,
        expected=f"{more} files more in the storage within {CLEANED_UP_WITHIN_S:g} s of {what}",
        got=f"{len(new)}: {', '.join(sorted(map(str, new))[:10])}",
    )
