"""An export that always fails uses up its attempts, and holds up no other."""

import random

from chaos.drills.recovering.poison import MOST_PLACES, Poison
from chaos.drills.worker_drill import END, WorkerDrill, end_violations, worker_drill
from harness.check import check
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import FAILED

STUCK_TIMEOUT_S = 1.0
"""As short as the contract allows: every attempt takes that long."""


async def expect_three_more(drill: WorkerDrill) -> None:
    """Let an export fail before its attempts are used up: a retry grants as many as ever."""
    async with drill.cells.of(when="attempts were left"):
        poison = await Poison.failed_early(drill)
        if poison is None:
            return  # this backend has none of these
        async with drill.injected(poison.fault):
            await poison.retry()
            await poison.expect_given_up(_look_on)


async def _look_on(_claims: int) -> None:
    """Do nothing at a claim."""


async def wait_until_ended(drill: WorkerDrill) -> None:
    """Wait until every export has ended."""
    drill.seen = await drill.view.wait_until_ended(drill.times, lambda _seen, _now: False)


async def retry_failed(drill: WorkerDrill) -> None:
    """Retry all that has failed, now that all evidence can be read, and wait for that."""
    for each in drill.final.exports:
        if each.state == FAILED:
            path = {"export_id": each.id}
            owner = drill.backlog.owners[each.id]
            expect_status(await owner.client.call("retryExport", path=path), 202)
    await wait_until_ended(drill)


@check(
    "chaos.poison",
    "A poison export ends after its attempts",
    checklist="Verify that an export that always fails is given up, and blocks no other",
    observes=4,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.KILL}),
    profile="full",
    deadline_s=150,
)
async def check_poison(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Make the evidence of one export unreadable, and of others beside it; let workers try them.

    It fails after as many attempts as are allowed, with an error, and not before: one that a drain
    ended does not count. A worker whose work has failed so often still does what is new. After a
    retry it gets as many attempts again, each of which ends with the death of its worker; so does
    one that had failed before its attempts were used up. Other exports of its organization are done
    meanwhile. When the evidence can be read again, another retry makes all of them ready.
    """
    if target.storage is None:
        raise Inconclusive(
            "it is not known where objects are stored, so none can be made unreadable: write "
            "[storage] layout into the target file"
        )
    values = _own_values(target)
    async with worker_drill(
        fresh_system, target, rng, history, observe, cells, values=values
    ) as drill:
        poison = await Poison.of(drill)
        await poison.request_another()
        beside = [await Poison.of(drill) for _ in range(MOST_PLACES)]
        with as_subject():
            async with drill.injected(poison.fault, *(each.fault for each in beside)):
                await poison.start_worker()
                async with cells.of(when="its work fails"):
                    await poison.expect_given_up(poison.drain_worker, drained=1)
                    await poison.expect_more_done()
                if not cells.findings:
                    async with cells.of(when="its worker is killed"):
                        await poison.retry()
                        await poison.expect_given_up(poison.kill_worker)
            if not cells.findings:
                await expect_three_more(drill)
            drill.looks.harmed({"job": each} for each in drill.backlog.owners)
            await wait_until_ended(drill)
            if not cells.findings:
                await retry_failed(drill)
            if cells.findings:
                drill.judged.update(drill.backlog.owners)
            await drill.judge(await end_violations(drill), what=END)
    if drill.looks.incomplete and not cells.findings:
        raise Inconclusive("; ".join(drill.looks.incomplete))


def _own_values(target: Target) -> dict[str, str]:
    """Shorter times for this system; none where its file does not fill them all in."""
    if not all(target.mentions(name) for name in ("stuck_timeout_s", "heartbeat_interval_s")):
        return {}
    return {"stuck_timeout_s": f"{STUCK_TIMEOUT_S:g}"}
