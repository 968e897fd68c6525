"""Every order in which the SQL steps of two and three workers can meet, run for real."""

from pathlib import Path

from harness.check import check
from harness.errors import CheckFailed, Inconclusive
from harness.explore import (
    Bench,
    Budget,
    CannotGoOnError,
    Exploration,
    Kind,
    Protocol,
    explore,
    load_protocol,
    plan,
    tell_finding,
)
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System, launch_sibling
from harness.target import Capability, Target

SMALL_SCENARIOS = 10
"""The least number of interleavings of a protocol that names nothing but the claim."""


@check(
    "claim.interleavings",
    "Whichever way the SQL steps of workers interleave, each export has one owner and one end",
    checklist="Verify claim, heartbeat, completion and recovery under every interleaving",
    observes=SMALL_SCENARIOS,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
    deadline_s=60,
)
async def check_interleavings(
    system: System, target: Target, seed: int, observe: Observations, cover: Coverage
) -> None:
    if target.claim is None or target.claim.protocol is None:
        raise Inconclusive("the target file names no [claim] protocol to explore")
    protocol = load_protocol(Path(target.claim.protocol))
    # Only a database of its own: nobody but the explorer may work in it.
    own = await launch_sibling(system, api_instances=0, workers=0)
    try:
        found = await explored(own, protocol, seed)
    finally:
        await own.close()
    expect_nothing_broken(found)
    for covered in found.covered:
        for kind in {act.kind for script in covered.planned.scenario.scripts for act in script}:
            if kind not in (Kind.COMMIT, Kind.ROLLBACK):
                workers = str(len(covered.planned.scenario.scripts))
                cover("interleavings", step=kind.value, workers=workers)
    observe(found.run, what="interleavings")


async def explored(own: System, protocol: Protocol, seed: int) -> Exploration:
    """Run all scenarios with few interleavings, until one breaks a rule."""
    assert own.control_url is not None
    bench = None
    try:
        bench = await Bench.open(own.control_url, protocol)
        await bench.prepare()
        return await explore(
            bench,
            plan(protocol.kinds(), workers=3, brief=True),
            seed=seed,
            budget=Budget(findings=1),
        )
    except CannotGoOnError as error:
        raise Inconclusive(f"could not go on: {error}") from error
    finally:
        if bench is not None:
            await bench.close()


def expect_nothing_broken(found: Exploration) -> None:
    """Fail by the rule that was broken first, with its shortest interleaving step by step."""
    for finding in found.findings.values():
        raise CheckFailed(
            expected=f"{finding.violation.expected} [{finding.violation.rule}]",
            came=finding.violation.came,
            detail="\n".join(tell_finding(finding)),
        )
    if not found.is_complete:
        raise Inconclusive(f"not everything was run: {found.stopped_by}")
