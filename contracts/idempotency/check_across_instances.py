"""A key is remembered by the backend, not by the instance that saw it first."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.idempotency.settled import settled
from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_new,
    expect_original,
    expect_reuse_refused,
    export_of,
    upload_of,
)
from contracts.shared.requests.stalled_upload import stalled_upload
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from harness.check import check
from harness.client import Answer, Organization, Record, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

OWN_INSTANCES = 1
"""How many there are to be restarted: what the others know is looked at before."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A request whose key is known, its first answer, and another one that must not get it."""

    request: KeyedRequest
    key: str
    first: Answer
    other: KeyedRequest


@check(
    "idempotency.across-instances",
    "Every instance answers a known key with the original, also after all of them were restarted",
    checklist="Verify evidence upload idempotency",
    needs={Capability.ORGANIZATIONS},
    observes=4 + 2 * OWN_INSTANCES + 1,
)
async def check_across_instances(
    org: Organization,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
    cover: Coverage,
) -> None:
    instances = range(org.client.instances)
    if len(instances) < 2:
        raise Inconclusive("this target has one API instance, so there is no other to ask")
    for first in instances:  # each once is the one that saw the keys first
        job = await org.new_job()
        known = await answered(org, job, samples, instance=first)
        others = [instance for instance in instances if instance != first]
        await expect_known(org, job, known, others)
        cover("known keys", known_to="other instances")
        observe(len(known) * len(others), what="other instances")
    if not {Capability.SPAWN, Capability.RESTART} <= target.capabilities():
        raise Inconclusive("the instances of this target cannot be restarted")
    async with fresh_system(api_instances=OWN_INSTANCES, workers=0) as own:
        await expect_known_after_restart(own, samples, observe)
    cover("known keys", known_to="instances that were restarted")


async def answered(
    org: Organization, job: Record, samples: Samples, *, instance: int
) -> list[Known]:
    """Send an upload and an export request, each under a key, to one instance."""
    upload = upload_of(job, samples.new(), tag="first")
    export = export_of(job, "ledger", {"phase": "first"})
    pairs = [
        (upload, upload_of(job, samples.new(), tag="first")),
        (export, export_of(job, "ledger", {"phase": "other"})),
    ]
    known = []
    for request, other in pairs:
        key = f"{request.operation_id}-first-on-{instance + 1}"
        first = await request.send(org.client, key, instance=instance)
        expect_new(first, request)
        known.append(Known(request=request, key=key, first=first, other=other))
    return known


async def expect_known(
    org: Organization, job: Record, known: Sequence[Known], instances: Sequence[int]
) -> None:
    """Fail unless these instances, asked all at once, replay what belongs to the keys."""
    before = await take_snapshot(org.client, job)

    async def expect_of(each: Known, instance: int) -> None:
        reused = await settled(org.client, each.other, each.key, instance=instance)
        expect_reuse_refused(reused, f"another body on API instance {instance + 1}")
        for key in (each.key, f'"{each.key}"'):
            again = await settled(org.client, each.request, key, instance=instance)
            expect_original(again, each.first)

    await together(expect_of(each, instance) for each in known for instance in instances)
    await expect_nothing_left(org.client, before, job, what="replays on other instances")


async def expect_known_after_restart(
    own: OwnSystem, samples: Samples, observe: Observations
) -> None:
    """Fail unless all is as it was once every instance was killed and started again.

    One of them dies with an upload in its hands: the key of that one must be free afterwards.
    """
    org = await own.organizations.new("outlives its instances")
    job, slow_job = await org.new_job(), await org.new_job()
    known = await answered(org, job, samples, instance=0)
    slow = samples.new("application/pdf")
    nothing = await take_snapshot(org.client, slow_job)
    async with stalled_upload(org.client, slow_job, slow, key="cut-off", instance=0):
        await together(own.system.restart(instance) for instance in own.system.api)
    await expect_known(org, job, known, range(OWN_INSTANCES))
    observe(len(known) * OWN_INSTANCES, what="after a restart")
    await expect_nothing_left(org.client, nothing, slow_job, what="an upload that died")
    again = await settled(org.client, upload_of(slow_job, slow), "cut-off")
    expect_status(again, 201, detail="an upload once more whose instance was killed half way")
    observe(what="keys of the dead")
