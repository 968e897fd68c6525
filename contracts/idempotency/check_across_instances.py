"""The backend remembers a key, not the instance that saw it first."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_replayed,
    expect_reuse_refused,
    export_of,
    send_first,
    upload_of,
)
from contracts.shared.resources.api_instances import several_instances
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from harness.check import check
from harness.client import Answer, Organization, Record, Samples, together
from harness.client.stalled_upload import stalled_upload
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

OWN_INSTANCES = 1
"""API instances of the system that is restarted; the first half of the check covers several."""

CHECK_ID = "idempotency.across-instances"
OTHER, RESTARTED = "another instance", "an instance that was restarted"


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
    cells: Cells,
) -> None:
    """Use keys on one instance, and repeat the requests on all others at the same time.

    Every instance must answer with the original, and refuse another request under the same key.
    The same must hold after every instance was killed and restarted; the key of an upload that
    was interrupted by the kill must be free again.
    """
    instances = several_instances(org.client)
    for first in instances:
        job = await org.new_job()
        used = await use_keys(org, job, samples, cells, instance=first)
        others = [instance for instance in instances if instance != first]
        known = await look_at_known(org, job, used, others, cells, known_to=OTHER)
        cover("known keys", known_to="other instances")
        observe(known, what="other instances")
    if not {Capability.SPAWN, Capability.RESTART} <= target.capabilities():
        raise Inconclusive("the instances of this target cannot be restarted")
    async with fresh_system(api_instances=OWN_INSTANCES, workers=0) as own:
        await look_after_restart(own, samples, observe, cells)
    cover("known keys", known_to="instances that were restarted")


async def use_keys(
    org: Organization, job: Record, samples: Samples, cells: Cells, *, instance: int
) -> list[UsedKey]:
    """Send an upload and an export request, each under a key, to one instance.

    Gives those that this instance knows again: only of these another one can be asked.
    """
    uploads = [upload_of(job, samples.new(), tag="first") for _ in range(2)]
    light = org.client.light_type
    exports = [export_of(job, light, {"phase": phase}) for phase in ("first", "other")]
    used = []
    for request, other in (uploads, exports):
        key = f"{request.operation_id}-first-on-{instance + 1}"
        async with cells.of(operation=request.operation_id, known_to="the instance that saw it"):
            first = await send_first(request, org.client, key, instance=instance)
            again = await request.send_until_decided(org.client, key, instance=instance)
            expect_replayed(again, first)
            used.append(UsedKey(request=request, key=key, first=first, other=other))
    return used


async def look_at_known(
    org: Organization,
    job: Record,
    used: Sequence[UsedKey],
    instances: Sequence[int],
    cells: Cells,
    *,
    known_to: str,
) -> int:
    """Look whether these instances, all at the same time, replay the answers of the keys.

    Gives the number of keys that an instance knew.
    """
    before = await take_snapshot(org.client, job)
    known: list[UsedKey] = []

    async def look_at_key(each: UsedKey, instance: int) -> None:
        # One cell: an instance that takes another body for new knows the key from then on.
        async with cells.of(operation=each.request.operation_id, known_to=known_to):
            reused = await each.other.send_until_decided(org.client, each.key, instance=instance)
            difference = f"another body on API instance {instance + 1}"
            expect_reuse_refused(reused, difference, rule=CHECK_ID)
            for key in (each.key, f'"{each.key}"'):
                again = await each.request.send_until_decided(org.client, key, instance=instance)
                expect_replayed(again, each.first, rule=CHECK_ID)
            known.append(each)

    await together(look_at_key(each, instance) for each in used for instance in instances)
    if len(known) == len(used) * len(instances):
        async with cells.of(known_to=known_to, case="what replays left"):
            await expect_nothing_left(org.client, before, job, what="replays on other instances")
    return len(known)


async def look_after_restart(
    own: OwnSystem, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Look whether restarted instances know the keys, and an interrupted upload's key is free.

    Every instance is killed and started again, one of them in the middle of that upload.
    """
    org, slow_org = await own.organizations.several(2)
    job, slow_job = await org.new_job(), await slow_org.new_job()
    used = await use_keys(org, job, samples, cells, instance=0)
    slow = samples.new("application/pdf")
    nothing = await take_snapshot(slow_org.client, slow_job)
    async with stalled_upload(slow_org.client, slow_job, slow, key="cut-off", instance=0):
        await together(own.system.restart(instance) for instance in own.system.api)
    known = await look_at_known(org, job, used, range(OWN_INSTANCES), cells, known_to=RESTARTED)
    observe(known, what="after a restart")
    async with cells.of(operation="uploadEvidence", case="interrupted by a kill of its instance"):
        await expect_nothing_left(slow_org.client, nothing, slow_job, what="an interrupted upload")
        again = await upload_of(slow_job, slow).send_until_decided(slow_org.client, "cut-off")
        expect_status(again, 201, detail="an upload again after its instance was killed half way")
        observe(what="keys of interrupted uploads")
