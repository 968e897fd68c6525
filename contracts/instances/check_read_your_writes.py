"""What one instance has written, every other one shows at once."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.instances.views import KnownRecords, expect_everywhere, expect_same, ids
from contracts.shared.exports.workerless_system import (
    WorkerlessSystem,
    can_run_without_workers,
    workerless_system,
)
from contracts.shared.resources.api_instances import several_instances
from contracts.shared.resources.pages import DEFAULT_LIMIT, Listing, expect_listed, pages_of
from harness.check import check
from harness.client import Client, Organization, Organizations, Record, Samples, mint, together
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.waiting import becomes_true

MANY_JOBS = DEFAULT_LIMIT + 5


LISTED_WITHIN_S = 10.0
"""Seconds that the list is asked whether an export is ready, before the export itself is."""


@check(
    "instances.read-your-writes",
    "Every instance reads what another one wrote",
    checklist="Verify several API instances behave as one",
    needs={Capability.ORGANIZATIONS},
    observes=14,
)
async def check_read_your_writes(
    org: Organization,
    organizations: Organizations,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
    cover: Coverage,
) -> None:
    """Write on one instance after another, and read everything on every instance after each write.

    All instances must show the same at once, in lists, records, events and downloads, although
    they were asked before the write. A list may be continued on another instance, and each
    request is judged by its own token.
    """
    instances = several_instances(org.client)
    if can_run_without_workers(target):
        async with workerless_system(fresh_system, target, api_instances=2) as workerless:
            client = (await workerless.new_organization()).client
            await Writes(client, samples, observe, cover, workerless).run()
    else:
        await Writes(org.client, samples, observe, cover).run()
    for writer, export_type in zip(instances, ("proof-pack", "ledger"), strict=False):
        await expect_ready_everywhere(org, samples, export_type, writer)
        cover("seen on other instances", written="an export that became ready")
        observe(what="ready")
    await expect_pages_across_instances(await organizations.new("many jobs"), instances)
    cover("seen on other instances", written="a page that another instance goes on with")
    observe(what="pages")
    if organizations.can_mint:
        await expect_role_of_the_token(organizations, org)
        cover("seen on other instances", written="a token of the same user in another role")
        observe(what="tokens")
    else:
        observe.excuse(1, "tokens of one user in several roles")


@dataclass
class Writes:
    """Writes, each on the next instance, and after each a read of everything on every instance.

    Each read also fills the caches that must not hide the next write.
    """

    client: Client
    samples: Samples
    observe: Observations
    cover: Coverage
    workerless: WorkerlessSystem | None = None

    def __post_init__(self) -> None:
        self.known = KnownRecords(client=self.client, workerless=self.workerless is not None)
        self.turns = itertools.cycle(range(self.client.instances))

    async def run(self) -> None:
        """Make every kind of write."""
        await self.known.views()
        job = await self._create_job()
        await self._upload(job)
        await self._upload(job)
        await self._create_job()
        export_id = await self._request(job, "ledger")
        if self.workerless is None:
            return
        await self._change(export_id, "cancelExport", "canceled")
        export_id = await self._request(job, "proof-pack")
        await self.workerless.claim(self.client, export_id)
        await self._seen("saw the export claimed", 0, export_id, "preparing")
        await self.workerless.fail(export_id)
        await self._seen("saw the export fail", 0, export_id, "failed")
        await self._change(export_id, "retryExport", "queued")
        await self._change(export_id, "cancelExport", "canceled")

    async def _create_job(self) -> Record:
        writer = next(self.turns)
        job = await self.client.create_job(f"Written on {writer + 1}", instance=writer)
        self.known.jobs.append(job["id"])
        await self._listed("created a job", writer, "jobs", self.known.jobs)
        return job

    async def _upload(self, job: Record) -> None:
        writer = next(self.turns)
        answer = await self.client.upload(job["id"], self.samples.new(), instance=writer)
        self.known.evidence.append(expect_status(answer, 201).data["id"])
        name = f"evidence of job {job['id']}"
        await self._listed("took an upload", writer, name, self.known.evidence)

    async def _request(self, job: Record, export_type: str) -> str:
        writer = next(self.turns)
        answer = await self.client.request_export(job["id"], export_type, instance=writer)
        export_id: str = expect_status(answer, 202).data["id"]
        self.known.exports.append(export_id)
        name = f"exports of job {job['id']}"
        await self._listed("took an export request", writer, name, self.known.exports)
        return export_id

    async def _change(self, export_id: str, operation_id: str, state: str) -> None:
        writer = next(self.turns)
        path = {"export_id": export_id}
        expect_status(await self.client.call(operation_id, path=path, instance=writer), 202)
        await self._seen(f"did {operation_id}", writer, export_id, state)

    async def _listed(self, what: str, writer: int, name: str, wanted: Sequence[str]) -> None:
        views = await self.known.views()
        expect_everywhere(
            views, name, lambda shown: sorted(ids(shown)) == sorted(wanted), f"just {wanted}"
        )
        expect_same(views, writer, what)
        self._note(what)

    async def _seen(self, what: str, writer: int, export_id: str, state: str) -> None:
        views = await self.known.views()
        expect_everywhere(
            views,
            f"export {export_id}",
            lambda shown: isinstance(shown, dict) and shown.get("state") == state,
            f"state {state!r}",
        )
        expect_same(views, writer, what)
        self._note(what)

    def _note(self, what: str) -> None:
        self.cover("seen on other instances", written=what)
        self.observe(self.client.instances, what="looks after a write")


async def expect_ready_everywhere(
    org: Organization, samples: Samples, export_type: str, writer: int
) -> None:
    """Fail unless an export that is ready on one instance is ready on the others, in every answer.

    The others were asked before it was ready.
    """
    client, job = org.client, await org.new_job()
    await client.new_evidence(job["id"], samples.new())
    answer = await client.request_export(job["id"], export_type, instance=writer)
    export_id = expect_status(answer, 202).data["id"]
    readers = [instance for instance in range(client.instances) if instance != writer]
    path, job_path = {"export_id": export_id}, {"job_id": job["id"]}

    async def verified(reader: int) -> list[object]:
        if "verifyManifest" not in client.routes:
            return []
        question = {"export_id": export_id}
        answer = await client.call("verifyManifest", json=question, instance=reader)
        data = expect_status(answer, 200).data
        return [data[name] for name in ("manifest_valid", "export_match", "ledger_match")]

    async def ask(reader: int) -> tuple[object, ...]:
        export = await client.call("getExport", path=path, instance=reader)
        listed = await client.call("listExports", path=job_path, instance=reader)
        download = await client.download(export_id, instance=reader)
        shown: tuple[object, ...] = ()
        if client.has("getManifest"):
            manifest = await client.call("getManifest", path=path, instance=reader)
            shown = (manifest.status, manifest.body if manifest.status == 200 else b"")
        events = await client.ledger_events(target_id=export_id, instance=reader)
        return (
            export.json,
            [item["state"] for item in listed.items],
            (download.status, download.body if download.status == 200 else b""),
            shown,
            await verified(reader),
            [event["event_name"] for event in events],
        )

    async def is_listed_as_ready() -> bool:
        listed = await client.call("listExports", path=job_path, instance=writer)
        return [item["state"] for item in listed.items] == ["ready"]

    await together(ask(reader) for reader in readers)
    # By the list for one type, by getExport for the other: where one of the two answers is cached,
    # waiting for it would outlast the caches of the other instances.
    if export_type == "proof-pack":
        await becomes_true(is_listed_as_ready, LISTED_WITHIN_S, poll_s=0.05)
    await client.at(writer).wait_for_export(export_id)
    shown = await together(ask(reader) for reader in readers)
    expected = await ask(writer)
    names = ("data", "state in the list", "download", "manifest", "verification", "events")
    for reader, got in zip(readers, shown, strict=True):
        for name, theirs, ours in zip(names, got, expected, strict=True):
            expect_equal(
                theirs,
                ours,
                f"{name} of a ready {export_type} export on API instance {reader + 1}",
                detail=f"API instance {writer + 1} showed it as ready",
            )
    expect_equal(expected[1], ["ready"], "states in the job's list of exports")
    if "verifyManifest" in client.routes:
        expect_equal(expected[4], [True] * 3, f"verification of a ready {export_type} export")


async def expect_pages_across_instances(org: Organization, instances: Sequence[int]) -> None:
    """Fail unless a list that begins on one instance continues on any other."""
    jobs = await together(
        (org.client.create_job(f"job {number}") for number in range(MANY_JOBS)), at_once=12
    )
    made = [job["id"] for job in jobs]
    listing = Listing(operation_id="listJobs")
    for limit in (7, None, 100):
        await expect_listed(org.client, listing, made, limit=limit, instances=instances)
    for limit, size in ((None, DEFAULT_LIMIT), (100, MANY_JOBS)):
        first, *_ = await pages_of(org.client, listing, limit=limit)
        expect_equal(len(first), size, f"size of the first page of {MANY_JOBS} jobs, limit={limit}")


async def expect_role_of_the_token(organizations: Organizations, org: Organization) -> None:
    """Fail unless each request is judged by its own token, not by what is cached of its user."""
    user = org.users["owner"]
    elsewhere = await organizations.new("elsewhere")
    owner = org.as_role("owner")

    def token(organization: Organization, role: str) -> Client:
        return organizations.with_token(
            mint(organizations.recipe, user=user, organization=organization.id, role=role)
        )

    jobs = {job["id"] for job in await owner.listed("listJobs")}
    for instance in range(org.client.instances):
        shown = {job["id"] for job in await owner.listed("listJobs", instance=instance)}
        expect_equal(shown, jobs, f"IDs of an owner's jobs on API instance {instance + 1}")
        as_viewer = await token(org, "viewer").call(
            "createJob", json={"title": "by a viewer"}, instance=instance
        )
        expect_status(as_viewer, 403, detail="a user who was an owner, now with a viewer's token")
        moved = await token(elsewhere, "member").listed("listJobs", instance=instance)
        expect(
            not moved,
            expected="no jobs for the same user with a token of another organization",
            got=f"{len(moved)} jobs of {org.id}",
        )
        expect_status(
            await owner.call("createJob", json={"title": "by an owner"}, instance=instance),
            201,
            detail="an owner who also has a viewer's token",
        )
        jobs = {job["id"] for job in await owner.listed("listJobs")}
