"""What one instance has written, every other one shows at once."""

from collections.abc import Sequence

from contracts.instances.writes import Writes
from contracts.shared.exports.workerless_system import (
    can_run_without_workers,
    workerless_system,
)
from contracts.shared.resources.api_instances import several_instances
from contracts.shared.resources.pages import DEFAULT_LIMIT, Listing, expect_listed, pages_of
from harness.asks import leave_out
from harness.check import check
from harness.client import (
    Client,
    Organization,
    Organizations,
    Record,
    Samples,
    mint,
    together,
)
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
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
    cells: Cells,
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
            await Writes(client, samples, observe, cover, cells, workerless).run()
    else:
        await Writes(org.client, samples, observe, cover, cells).run()
    for writer, export_type in zip(instances, org.client.export_types, strict=False):
        await look_at_ready_export(org, samples, export_type, writer, cells)
        cover("seen on other instances", written="an export that became ready")
        observe(what="ready")
    await look_at_pages(await organizations.new("many jobs"), instances, cells)
    cover("seen on other instances", written="a page that another instance goes on with")
    observe(what="pages")
    if organizations.can_mint and organizations.recipe.names_role:
        await look_at_tokens(organizations, org, cells)
        cover("seen on other instances", written="a token of the same user in another role")
        observe(what="tokens")
    else:
        observe.excuse(1, "tokens of one user in several roles")


async def look_at_ready_export(
    org: Organization, samples: Samples, export_type: str, writer: int, cells: Cells
) -> None:
    """Judge that an export that is ready on one instance is ready on the others, in every answer.

    The others were asked before it was ready.
    """
    client, job = org.client, await org.new_job()
    await client.new_evidence(job["id"], samples.new())
    export_id = (await client.at(writer).new_export(job["id"], export_type))["id"]
    readers = [instance for instance in range(client.instances) if instance != writer]
    path, job_path = {"export_id": export_id}, {"job_id": job["id"]}

    async def verified(reader: int) -> list[object]:
        if not client.has("verifyManifest"):
            return []
        question = {"export_id": export_id}
        answer = await client.call("verifyManifest", json=question, instance=reader)
        data = expect_status(answer, 200).data
        return [data[name] for name in ("manifest_valid", "export_match", "ledger_match")]

    async def ask(reader: int) -> tuple[object, ...]:
        export = await client.call("getExport", path=path, instance=reader)
        listed = await client.call("listExports", path=job_path, instance=reader)
        download = (await client.download(export_id, instance=reader)).followed()
        shown: tuple[object, ...] = ()
        if client.has("getManifest"):
            called = client.call("getManifest", path=path, instance=reader)
            manifest = (await called).followed()
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
    ready: list[Record] = []
    async with cells.of(operation="getExport", type=export_type, what="becomes ready"):
        ready.append(await client.at(writer).wait_for_export(export_id))
    if not ready:
        return
    shown = await together(ask(reader) for reader in readers)
    expected = await ask(writer)
    names = ("data", "state in the list", "download", "manifest", "verification", "events")
    for number, name in enumerate(names):
        async with cells.of(written="an export became ready", type=export_type, question=name):
            for reader, got in zip(readers, shown, strict=True):
                expect_equal(
                    got[number],
                    expected[number],
                    "the same from every API instance",
                    detail=f"{name} of a ready {export_type} export on API instance {reader + 1}; "
                    f"API instance {writer + 1} showed it as ready",
                    subject=name,
                )
    async with cells.of(operation="listExports", type=export_type, state="ready"):
        expect_equal(expected[1], ["ready"], "states in the job's list of exports")
    if client.has("verifyManifest"):
        async with cells.of(operation="verifyManifest", type=export_type, state="ready"):
            what = "verification of a ready export"
            expect_equal(expected[4], [True] * 3, what, rule="verify.manifest")


async def look_at_pages(org: Organization, instances: Sequence[int], cells: Cells) -> None:
    """Judge that a list that begins on one instance continues on any other."""
    jobs = await together(
        (org.client.create_job(f"job {number}") for number in range(MANY_JOBS)), at_once=12
    )
    made = [job["id"] for job in jobs]
    listing = Listing(operation_id="listJobs")
    for case, limit in {"pages of seven": 7, "no limit": None, "the largest pages": 100}.items():
        async with cells.of(operation="listJobs", case=f"{case}, on all instances in turn"):
            await expect_listed(org.client, listing, made, limit=limit, instances=instances)
    sizes: tuple[tuple[str, int | None, int], ...]
    sizes = (("no limit", None, DEFAULT_LIMIT), ("the largest pages", 100, MANY_JOBS))
    if org.client.without.has_no_pages("listJobs"):
        leave_out("pages of listJobs")
        sizes = ()
    for case, limit, size in sizes:
        async with cells.of(operation="listJobs", case=f"{case}, size of the first page"):
            first, *_ = await pages_of(org.client, listing, limit=limit)
            what = f"size of the first page of {MANY_JOBS} jobs, limit={limit}"
            expect_equal(len(first), size, what, rule="lists.whole", subject="listJobs")


async def look_at_moved_user(moved: Client, org: Organization, cells: Cells) -> None:
    """Judge that a user's token of another organization shows nothing of this one."""
    async with cells.of(operation="listJobs", token="the same user in another organization"):
        jobs = await moved.listed("listJobs")
        expect(
            not jobs,
            expected="no jobs for the same user with a token of another organization",
            got=f"{len(jobs)} jobs of {org.id}",
            rule="tenancy.no-foreign-data",
            subject="listJobs",
        )


async def look_at_tokens(organizations: Organizations, org: Organization, cells: Cells) -> None:
    """Judge that each request is judged by its own token, not by what is cached of its user."""
    user, owner = org.users["owner"], org.as_role("owner")
    elsewhere = await organizations.new("elsewhere")

    def token(organization: Organization, role: str) -> Client:
        return organizations.with_token(
            mint(organizations.recipe, user=user, organization=organization.id, role=role)
        )

    for instance in range(org.client.instances):
        jobs = {job["id"] for job in await owner.listed("listJobs")}
        async with cells.of(operation="listJobs", token="owner"):
            shown = {job["id"] for job in await owner.listed("listJobs", instance=instance)}
            what = "the same from every API instance"
            detail = f"IDs of an owner's jobs on API instance {instance + 1}"
            expect_equal(shown, jobs, what, detail=detail, subject="jobs")
        async with cells.of(operation="createJob", token="a viewer who was an owner"):
            as_viewer = await token(org, "viewer").call(
                "createJob", json={"title": "by a viewer"}, instance=instance
            )
            detail = "a user who was an owner, now with a viewer's token"
            expect_status(as_viewer, 403, detail=detail, rule="tenancy.viewer")
        if organizations.recipe.names_organization:  # else a user is in the one that is looked up
            moved = token(elsewhere, "member").at(instance)
            await look_at_moved_user(moved, org, cells)
        async with cells.of(operation="createJob", token="owner"):
            answer = await owner.call("createJob", json={"title": "by an owner"}, instance=instance)
            expect_status(answer, 201, detail="an owner who also has a viewer's token")
