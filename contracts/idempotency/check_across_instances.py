"""The backend remembers a key, not the instance that saw it first."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_new,
    expect_replayed,
    expect_reuse_refused,
    export_of,
    upload_of,
)
from contracts.shared.requests.stalled_upload import stalled_upload
from contracts.shared.resources.api_instances import several_instances
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
"""API instances of the system that is restarted; the first half of the check covers several."""


@dataclass(frozen=True, kw_only=True)
class UsedKey:
    """A key, the request that used it, its answer, and another request with the same key."""

    request: KeyedRequest
    key: str
    first: Answer
    other: KeyedRequest


@check(
    "idempotency.across-instances",
    "Every instance knows a key, also after a restart",
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
    """Use keys on one instance, and repeat the requests on all others at the same time.

    Every instance must answer with the original, and refuse another request under the same key.
    The same must hold after every instance was killed and restarted; the key of an upload that
    was interrupted by the kill must be free again.
    """
    instances = several_instances(org.client)
    for first in instances:
        job = await org.new_job()
        used = await use_keys(org, job, samples, instance=first)
        others = [instance for instance in instances if instance != first]
        await expect_known(org, job, used, others)
        cover("known keys", known_to="other instances")
        observe(len(used) * len(others), what="other instances")
    if not {Capability.SPAWN, Capability.RESTART} <= target.capabilities():
        raise Inconclusive("the instances of this target cannot be restarted")
    async with fresh_system(api_instances=OWN_INSTANCES, workers=0) as own:
        await expect_known_after_restart(own, samples, observe)
    cover("known keys", known_to="instances that were restarted")


async def use_keys(
    org: Organization, job: Record, samples: Samples, *, instance: int
) -> list[UsedKey]:
    """Send an upload and an export request, each under a key, to one instance."""
    uploads = [upload_of(job, samples.new(), tag="first") for _ in range(2)]
    exports = [export_of(job, "ledger", {"phase": phase}) for phase in ("first", "other")]
    used = []
    for request, other in (uploads, exports):
        key = f"{request.operation_id}-first-on-{instance + 1}"
        first = await request.send(org.client, key, instance=instance)
        expect_new(first, request)
        used.append(UsedKey(request=request, key=key, first=first, other=other))
    return used


async def expect_known(
    org: Organization, job: Record, used: Sequence[UsedKey], instances: Sequence[int]
) -> None:
    """Fail unless these instances, all at the same time, replay the answers of the keys."""
    before = await take_snapshot(org.client, job)

    async def expect_key(each: UsedKey, instance: int) -> None:
        reused = await each.other.send_until_decided(org.client, each.key, instance=instance)
        expect_reuse_refused(reused, f"another body on API instance {instance + 1}")
        for key in (each.key, f'"{each.key}"'):
            again = await each.request.send_until_decided(org.client, key, instance=instance)
            expect_replayed(again, each.first)

    await together(expect_key(each, instance) for each in used for instance in instances)
    await expect_nothing_left(org.client, before, job, what="replays on other instances")


async def expect_known_after_restart(
    own: OwnSystem, samples: Samples, observe: Observations
) -> None:
    """Fail unless restarted instances know the keys, and the key of an interrupted upload is free.

    Every instance is killed and started again, one of them in the middle of that upload.
    """
    org = await own.organizations.new("restarted")
    job, slow_job = await org.new_job(), await org.new_job()
    used = await use_keys(org, job, samples, instance=0)
    slow = samples.new("application/pdf")
    nothing = await take_snapshot(org.client, slow_job)
    async with stalled_upload(org.client, slow_job, slow, key="cut-off", instance=0):
        await together(own.system.restart(instance) for instance in own.system.api)
    await expect_known(org, job, used, range(OWN_INSTANCES))
    observe(len(used) * OWN_INSTANCES, what="after a restart")
    await expect_nothing_left(org.client, nothing, slow_job, what="an interrupted upload")
    again = await upload_of(slow_job, slow).send_until_decided(org.client, "cut-off")
    expect_status(again, 201, detail="an upload again after its instance was killed half way")
    observe(what="keys of interrupted uploads")
