"""A key belongs to one organization and one route."""

import itertools
import uuid
from dataclasses import replace

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_new,
    expect_replayed,
    expect_reuse_refused,
    export_of,
    is_replay,
    upload_of,
)
from contracts.shared.requests.stalled_upload import stalled_upload
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from contracts.shared.tenants.populated_tenant import MIN_MARKER_LENGTH
from harness.check import check
from harness.client import Answer, Organization, Organizations, Record, Samples
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability

KEY = "the-same-key-everywhere"

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
    organizations: Organizations, samples: Samples, observe: Observations, cover: Coverage
) -> None:
    """Use one key in several organizations, on both routes that take keys.

    Each organization gets its own record, and learns nothing of the others' records; the job of
    another organization is 404. Within one organization the key is the same for every user.
    """
    if not organizations.can_make_more:
        mine, others = await organizations.several(2)
        await between_two(mine, others, samples, observe, cover)
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
            export_of(job, "ledger"),
            export_of(their_job, "ledger"),
            export_of(third_job, "proof-pack", {"phase": "after"}),
        ),
    ):
        operation = first.operation_id
        original = await first.send(ours.client, KEY)
        # In the second round the organization uses the same key on another route.
        expect_new(original, first, detail="the first request with this key on this route")
        for other_org, request in ((theirs, same), (third, other)):
            await expect_own_record(request, other_org, KEY, original, ours)
            cover("scope of keys", operation=operation, seen_from="another organization")
            observe(what="other organizations")
        await expect_absent(first, stranger, original, KEY)
        cover("scope of keys", operation=operation, seen_from="another organization's job")
        observe(what="foreign jobs")
        await expect_one_for_all_users(ours, first, original)
        cover("scope of keys", operation=operation, seen_from="other users of the organization")
        observe(3, what="users")
    await expect_free_while_in_flight(ours, theirs, samples)
    cover("scope of keys", operation="uploadEvidence", seen_from="while it is in flight elsewhere")
    observe(what="in flight")


async def between_two(
    ours: Organization,
    theirs: Organization,
    samples: Samples,
    observe: Observations,
    cover: Coverage,
) -> None:
    """The same with one user of each of two organizations that other clients use too."""
    observe.excuse(USERS + IN_FLIGHT, "other users, and uploads in flight")
    for operation, seen_from in itertools.product(
        ("uploadEvidence", "requestExport"),
        ("the same in another organization", "another organization", "another one's job"),
    ):
        job, their_job = await ours.new_job(), await theirs.new_job()
        if ours.given_job == job["id"] or theirs.given_job == their_job["id"]:
            raise Inconclusive("this check uploads to new jobs, and the API cannot create jobs")
        sample, key = samples.new("image/png"), f"{KEY}-{uuid.uuid4()}"
        is_upload = operation == "uploadEvidence"
        first = upload_of(job, sample) if is_upload else export_of(job, "ledger")
        same = upload_of(their_job, sample) if is_upload else export_of(their_job, "ledger")
        other = upload_of(their_job, samples.new()) if is_upload else export_of(their_job)
        original = await first.send(ours.client, key)
        expect_new(original, first, detail="the first request with this key")
        if seen_from == "another one's job":
            await expect_absent(first, theirs, original, key)
            observe(what="foreign jobs")
        else:
            request = same if seen_from.startswith("the same") else other
            await expect_own_record(request, theirs, key, original, ours)
            observe(what="other organizations")
        expect_replayed(await first.send(ours.client, key), original)
        cover("scope of keys", operation=operation, seen_from=seen_from)


async def expect_own_record(
    request: KeyedRequest, org: Organization, key: str, original: Answer, owner: Organization
) -> None:
    """Fail unless an organization gets its own record, and no ID of the key's other owner."""
    answer = await request.send(org.client, key)
    expect_new(answer, request, detail="a key that another organization has used")
    expect_equal(answer.data["organization_id"], org.id, "organization_id in the answer")
    owned = [owner.id] if len(owner.id) >= MIN_MARKER_LENGTH else []
    for secret in (original.data["id"], original.data["job_id"], *owned):
        expect(
            secret.encode() not in answer.body and secret not in str(dict(answer.headers)),
            expected="no ID of the other organization that used the same key",
            got=answer.describe(),
        )
    expect_replayed(await request.send(org.client, key), answer)


async def expect_absent(
    request: KeyedRequest, stranger: Organization, original: Answer, key: str
) -> None:
    """Fail unless the same request gets 404 when another organization sends it."""
    answer = await request.send(stranger.client, key)
    expect_status(answer, 404, detail="a request to the job of another organization, with its key")
    expect(
        original.data["id"].encode() not in answer.body and not is_replay(answer),
        expected="a 404 without the ID of the record that belongs to the key",
        got=answer.describe(),
    )


async def expect_one_for_all_users(
    org: Organization, request: KeyedRequest, original: Answer
) -> None:
    """Fail unless the key is the same for every user of the organization who may write."""
    job = Record(id=original.data["job_id"])
    before = await take_snapshot(org.client, job)
    owner = org.as_role("owner")
    expect_replayed(await request.send(owner, KEY), original)
    another = (
        upload_of(job, request.arguments["files"]["file"], tag="cellar")
        if request.operation_id == "uploadEvidence"
        else export_of(job, "proof-pack", {"tag": "cellar"})
    )
    expect_reuse_refused(await another.send(owner, KEY), "another body, sent by another user")
    expect_status(
        await request.send(org.as_role("viewer"), KEY),
        403,
        detail="a viewer with a used key",
    )
    anonymous = await request.send(replace(org.client, token=None), KEY)
    expect_status(anonymous, 401, detail="a client without a token, with a used key")
    await expect_nothing_left(org.client, before, job, what="other users' requests with the key")


async def expect_free_while_in_flight(
    ours: Organization, theirs: Organization, samples: Samples
) -> None:
    """Fail when a key in flight in one organization makes another one wait."""
    job, their_job = await ours.new_job(), await theirs.new_job()
    async with stalled_upload(ours.client, job, samples.new(), key="in-flight") as stalled:
        request = upload_of(their_job, samples.new())
        answer = await request.send(theirs.client, "in-flight")
        expect_new(answer, request, detail="the key is in flight in another organization")
        finished = await stalled.finish()
    expect_status(finished, 201, detail="a slow upload")
    expect_equal(finished.data["organization_id"], ours.id, "organization_id of a slow upload")
