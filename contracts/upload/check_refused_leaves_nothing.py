"""A refused or interrupted upload leaves nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from contracts.shared.resources.evidence import expect_evidence_ids
from contracts.shared.resources.stored_objects import StoredObjects
from contracts.upload.refused_uploads import Refusals, accepted_after_refusal
from harness.check import check
from harness.client import Client, Organization, Organizations, Record, Samples, together
from harness.database import Database
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect_equal, expect_status
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
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
    cells: Cells,
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
        with precondition("upload.accepted"):
            answer = await client.upload(job["id"], samples.new("application/pdf"), key="used")
            kept = {str(expect_status(answer, 201).data["id"])}
        with_one, rows = _files(system), await _rows(system, target)

        refusals = Refusals(
            org=org,
            samples=samples,
            limit=target.limits.max_upload_bytes,
            job_id=job["id"],
            other_job_id=(await org.new_job())["id"],
            foreign_job_id=foreign_job["id"],
            used_key="used",
            cells=cells,
        )
        refused = await refusals.all()
        observe(len(refused), what="refused")
        left = Leftovers(
            system=system,
            target=target,
            org=org,
            job=job,
            cells=cells,
            # The backend decides how many files one object takes.
            files_per_object=len(with_one - before),
            events_before=events_before,
        )
        accepted = len(refusals.accepted.keys() - kept)
        kept |= {each for each, of in refusals.accepted.items() if of == job["id"]}
        await left.look_at(
            kept, files=with_one, rows=rows, more=accepted, what="after refused uploads"
        )
        files, rows = _files(system), await _rows(system, target)

        again: set[str] = set()
        for refusal in refused:
            if refusal.retry is not None:
                case = f"sent correctly, after: {refusal.what}"
                async with cells.of(operation="uploadEvidence", case=case):
                    again.add(await accepted_after_refusal(org, job, refusal))
                    observe(what="accepted afterwards")
        async with cells.of(operation="uploadEvidence", case="the same upload many times at once"):
            again |= await expect_raced(client, job, samples, large=refusals.large)
            observe(RACERS, what="raced")
        what = "after accepted uploads"
        await left.look_at(kept | again, files=files, rows=rows, more=len(again), what=what)
        async with cells.of(operation="listEvidence", what="of the other organization"):
            theirs = [each for each, of in refusals.accepted.items() if of == foreign_job["id"]]
            what = "of the other organization"
            await expect_evidence_ids(foreign.client, foreign_job["id"], theirs, what)


async def expect_raced(client: Client, job: Record, samples: Samples, *, large: int) -> set[str]:
    """Fail unless each of many uploads with one key is accepted, a replay, or in flight.

    Gives the IDs of the evidence.
    """
    raced = samples.of_size(large)
    answers = await together(client.upload(job["id"], raced, key="raced") for _ in range(RACERS))
    for answer in answers:
        expect_status(answer, 200, 201, 409, detail="the same upload many times at once")
    return {str(answer.data["id"]) for answer in answers if not answer.is_a(409)}


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
    named = target.tenant_tables
    tables = [named["evidence"], *([named["ledger"]] if target.ledger is not None else [])]
    for table in tables if system.database is not None else ():
        query = f"SELECT count(*) AS rows FROM {table}"  # noqa: S608 - from the target file
        with suppress(Inconclusive):  # such as a table of another name
            assert system.database is not None
            counted[table] = (await system.database.fetch_one(query))["rows"]
    return counted


@dataclass(kw_only=True)
class Leftovers:
    """Looks for what uploads left that were refused, beside what was accepted."""

    system: UploadSystem
    target: Target
    org: Organization
    job: Record
    cells: Cells
    files_per_object: int
    events_before: set[tuple[str, str]]
    """From before the first upload."""
    stray: set[str] = field(default_factory=set)
    """Evidence that was found already, and must not be."""

    async def look_at(
        self, ids: set[str], *, files: set[Path], rows: Mapping[str, int], more: int, what: str
    ) -> None:
        """Judge that the job holds these records, the ledger an event of each, and nothing else.

        Since there were these files and rows, so many `more` uploads were accepted.
        """
        client, known_stray = self.org.client, frozenset(self.stray)
        async with self.cells.of(operation="listEvidence", what=what):
            listed = await client.listed("listEvidence", path={"job_id": self.job["id"]})
            shown, known = [item["id"] for item in listed], ids | known_stray
            self.stray |= set(shown) - ids
            expect_equal(sorted(shown), sorted(known), f"IDs of evidence {what}")
        more += len(self.stray - known_stray)
        async with self.cells.of(operation="listLedgerEvents", what=what):
            new = [
                event
                for event in await client.ledger_events()
                if (event["event_name"], event["target_id"]) not in self.events_before
                and event["target_id"] not in self.stray
            ]
            got = sorted((event["event_name"], event["target_id"]) for event in new)
            sealed = sorted(("evidence.sealed", each) for each in ids)
            expect_equal(got, sealed, f"ledger events {what}")
        if self.system.objects is not None:
            async with self.cells.of(what=f"stored objects {what}"):
                await expect_files(
                    self.system, before=files, more=self.files_per_object * more, what=what
                )
        now = await _rows(self.system, self.target)
        for table, count in rows.items():
            async with self.cells.of(table=table, what=what):
                expect_equal(now[table], count + more, f"rows in {table} {what}")


async def expect_files(system: UploadSystem, *, before: set[Path], more: int, what: str) -> None:
    """Fail unless the storage soon has exactly so many more files.

    A server may notice late that its client has left.
    """
    if system.objects is None:
        return

    def other_number(waited: str) -> CheckFailed:
        new = sorted(map(str, _files(system) - before))
        return CheckFailed(
            expected=f"{more} more files in the storage {what}",
            got=f"{len(new)}: {', '.join(new[:10])}; {waited}",
        )

    await wait_until(
        lambda: len(_files(system) - before) == more,
        CLEANED_UP_WITHIN_S,
        "as many files",
        poll_s=0.02,
        error=other_number,
    )
