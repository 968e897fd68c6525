"""A key belongs to one organization and one route."""

import itertools
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_new,
    expect_replayed,
    expect_reuse_refused,
    export_of,
    is_replay,
    send_first,
    upload_of,
)
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from contracts.shared.tenants.populated_tenant import MIN_MARKER_LENGTH
from harness.check import check
from harness.client import Answer, Organization, Organizations, Record, Samples
from harness.client.stalled_upload import stalled_upload
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability

CHECK_ID = "idempotency.scoped-to-org"
KEY = "the-same-key-everywhere"
SAME, OTHER = "the same request for its own job", "another request"
FOREIGN = "the same request, the other one's job"

OTHER_ORGANIZATIONS, FOREIGN_JOBS, USERS, IN_FLIGHT = 2 * 2, 2, 2 * 3, 1
"""Observations: both routes that take a key, and an upload in flight."""


@check(
    "idempotency.scoped-to-org",
    "A key belongs to one organization and one route",
    checklist="Verify evidence upload idempotency",
    needs={Capability.TENANTS},
    observes=OTHER_ORGANIZATIONS + FOREIGN_JOBS + USERS + IN_FLIGHT,
)
async def check_scoped_to_org(
    organizations: Organizations,
    samples: Samples,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Use one key in several organizations, on both routes that take keys.

    Each organization gets its own record, and learns nothing of the others' records; the job of
    another organization is 404. Within one organization the key is the same for every user.
    """
    if not organizations.can_make_more:
        mine, others = await organizations.several(2)
        await between_two(mine, others, samples, observe, cover, cells)
        return
    ours, theirs, third, stranger = await organizations.several(4)
    job, their_job, third_job = [await each.new_job() for each in (ours, theirs, third)]
    sample = samples.new("image/png")
    for first, same, other in (
        (
            upload_of(job, sample, tag="roof"),
            upload_of(their_job, sample, tag="roof"),
            upload_of(third_job, samples.new("application/pdf")),
        ),
        (
            export_of(job, ours.client.light_type),
            export_of(their_job, ours.client.light_type),
            export_of(third_job, "proof-pack", {"phase": "after"}),
        ),
    ):
        operation = first.operation_id
        for original in await used_key(ours, first, cells):
            for org, request, what in ((theirs, same, SAME), (third, other, OTHER)):
                async with cells.of(operation=operation, token="another organization's", case=what):
                    await expect_own_record(request, org, KEY, original, ours)
                    observe(what="other organizations")
                cover("scope of keys", operation=operation, seen_from="another organization")
            async with cells.of(operation=operation, token="another organization's", case=FOREIGN):
                await expect_absent(first, stranger, original, KEY)
                observe(what="foreign jobs")
            cover("scope of keys", operation=operation, seen_from="another organization's job")
            await Users(org=ours, request=first, original=original, cells=cells).look(observe)
            cover("scope of keys", operation=operation, seen_from="other users of the organization")
    async with cells.of(operation="uploadEvidence", case="a key in flight elsewhere"):
        await expect_free_while_in_flight(ours, theirs, samples)
        observe(what="in flight")
    cover("scope of keys", operation="uploadEvidence", seen_from="while it is in flight elsewhere")


async def used_key(org: Organization, request: KeyedRequest, cells: Cells) -> list[Answer]:
    """Use the key on a route; give the answer, unless it is not even known to the same user.

    In the second round the organization uses the same key on another route.
    """
    used: list[Answer] = []
    async with cells.of(operation=request.operation_id, token="the same", case="its own key"):
        original = await send_first(request, org.client, KEY, instance=0)
        expect_replayed(await request.send(org.client, KEY, instance=0), original)
        used.append(original)
    return used


async def between_two(
    ours: Organization,
    theirs: Organization,
    samples: Samples,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """The same with one user of each of two organizations that other clients use too."""
    observe.excuse(USERS + IN_FLIGHT, "other users, and uploads in flight")
    for operation, (case, seen_from) in itertools.product(
        ("uploadEvidence", "requestExport"),
        (
            (SAME, "the same in another organization"),
            (OTHER, "another organization"),
            (FOREIGN, "another one's job"),
        ),
    ):
        job, their_job = await ours.new_job(), await theirs.new_job()
        if ours.given_job == job["id"] or theirs.given_job == their_job["id"]:
            raise Inconclusive("this check uploads to new jobs, and the API cannot create jobs")
        sample, key = samples.new("image/png"), f"{KEY}-{uuid.uuid4()}"
        is_upload = operation == "uploadEvidence"
        light = ours.client.light_type
        first = upload_of(job, sample) if is_upload else export_of(job, light)
        same = upload_of(their_job, sample) if is_upload else export_of(their_job, light)
        other = upload_of(their_job, samples.new()) if is_upload else export_of(their_job)
        async with cells.of(operation=operation, token="another organization's", case=case):
            original = await send_first(first, ours.client, key, instance=0)
            if case == FOREIGN:
                await expect_absent(first, theirs, original, key)
                observe(what="foreign jobs")
            else:
                request = same if case == SAME else other
                await expect_own_record(request, theirs, key, original, ours)
                observe(what="other organizations")
            expect_replayed(await first.send(ours.client, key, instance=0), original)
        cover("scope of keys", operation=operation, seen_from=seen_from)


async def expect_own_record(
    request: KeyedRequest, org: Organization, key: str, original: Answer, owner: Organization
) -> None:
    """Fail unless an organization gets its own record, and no ID of the key's other owner."""
    answer = await request.send(org.client, key, instance=0)
    owned = [owner.id] if len(owner.id) >= MIN_MARKER_LENGTH else []
    for secret in (original.data["id"], original.data["job_id"], *owned):
        expect(
            secret.encode() not in answer.body and secret not in str(dict(answer.headers)),
            expected="no ID of the other organization that used the same key",
            got=answer.describe(),
        )
    expect_new(answer, request, detail="a key that another organization has used")
    expect_equal(answer.data["organization_id"], org.id, "organization_id in the answer")
    expect_replayed(await request.send(org.client, key, instance=0), answer)


async def expect_absent(
    request: KeyedRequest, stranger: Organization, original: Answer, key: str
) -> None:
    """Fail unless the same request gets 404 when another organization sends it."""
    answer = await request.send(stranger.client, key, instance=0)
    expect(
        original.data["id"].encode() not in answer.body and not is_replay(answer),
        expected="a 404 without the ID of the record that belongs to the key",
        got=answer.describe(),
    )
    detail = "a request to the job of another organization, with its key"
    expect_status(answer, 404, detail=detail, rule="tenancy.foreign-looks-unknown")


@dataclass(frozen=True, kw_only=True)
class Users:
    """Other users, who send a key that a member of the organization has used."""

    org: Organization
    request: KeyedRequest
    original: Answer
    cells: Cells

    async def look(self, observe: Observations) -> None:
        """Look whether the key is the same for every user of the organization who may write."""
        job = Record(id=self.original.data["job_id"])
        before = await take_snapshot(self.org.client, job)
        operation, clean = self.request.operation_id, 0
        users: tuple[tuple[str, str, Callable[[], Awaitable[None]]], ...] = (
            ("owner", "the same request", self._expect_replayed_to_owner),
            ("owner", "another body", partial(self._expect_refused_to_owner, job)),
            ("viewer", "the same request", self._expect_viewer_refused),
            ("none", "the same request", self._expect_anonymous_refused),
        )
        for token, case, expect_user in users:
            async with self.cells.of(operation=operation, token=token, case=case):
                await expect_user()
                clean += 1
        if clean == len(users):
            async with self.cells.of(operation=operation, case="what other users' requests left"):
                what = "other users' requests with the key"
                await expect_nothing_left(self.org.client, before, job, what=what)
                observe(3, what="users")

    async def _expect_replayed_to_owner(self) -> None:
        again = await self.request.send(self.org.as_role("owner"), KEY, instance=0)
        expect_replayed(again, self.original, rule=CHECK_ID)

    async def _expect_refused_to_owner(self, job: Record) -> None:
        another = (
            upload_of(job, self.request.arguments["files"]["file"], tag="cellar")
            if self.request.operation_id == "uploadEvidence"
            else export_of(job, "proof-pack", {"tag": "cellar"})
        )
        answer = await another.send(self.org.as_role("owner"), KEY, instance=0)
        expect_reuse_refused(answer, "another body, sent by another user", rule=CHECK_ID)

    async def _expect_viewer_refused(self) -> None:
        answer = await self.request.send(self.org.as_role("viewer"), KEY, instance=0)
        expect_status(answer, 403, detail="a viewer with a used key", rule="tenancy.viewer")

    async def _expect_anonymous_refused(self) -> None:
        answer = await self.request.send(replace(self.org.client, token=None), KEY, instance=0)
        detail = "a client without a token, with a used key"
        expect_status(answer, 401, detail=detail, rule="token.required")


async def expect_free_while_in_flight(
    ours: Organization, theirs: Organization, samples: Samples
) -> None:
    """Fail when a key in flight in one organization makes another one wait."""
    job, their_job = await ours.new_job(), await theirs.new_job()
    async with stalled_upload(
        ours.client, job, samples.new(), key="in-flight", instance=0
    ) as stalled:
        request = upload_of(their_job, samples.new())
        answer = await request.send(theirs.client, "in-flight", instance=0)
        expect_new(answer, request, detail="the key is in flight in another organization")
        finished = await stalled.finish()
    expect_status(finished, 201, detail="a slow upload")
    expect_equal(finished.data["organization_id"], ours.id, "organization_id of a slow upload")
