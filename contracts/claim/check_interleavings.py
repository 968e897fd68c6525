"""The SQL steps of two and three workers, run in every order in which they can interleave."""

from collections.abc import Sequence
from pathlib import Path

from harness.check import check
from harness.client import Organizations, together
from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.evidence import transitions_evidence
from harness.explore import (
    EXPORTS_NEEDED,
    Budget,
    CannotGoOnError,
    Exploration,
    ExploredDatabase,
    Finding,
    Kind,
    Protocol,
    contract_claim,
    explore,
    load_protocol,
    plan,
    rehearse,
    render_finding,
)
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System, launch_sibling
from harness.target import Capability, Target
from harness.target.sql.export_table import ExportTable

MOST_S = 60
"""How long it goes on; without a finding it is inconclusive then."""

FEWEST_INTERLEAVINGS = 15
"""Number of interleavings of a protocol of which only the claim is known."""


@check(
    "claim.interleavings",
    "Every interleaving keeps one owner per export",
    checklist="Verify claim, heartbeat, completion and recovery under every interleaving",
    observes=FEWEST_INTERLEAVINGS,
    needs={Capability.SPAWN, Capability.DATABASE_CONTROL},
    deadline_s=120,
)
async def check_interleavings(
    system: System,
    target: Target,
    seed: int,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Runs claim, heartbeat, completion and recovery of up to three workers in every order.

    In each one an export has one owner at a time and ends once, and a stale claim token changes
    nothing. A failure shows its shortest interleaving, step by step.
    Contract: "Claim", "Heartbeat" and "Fencing" in the section on exports.
    """
    if target.claim is None or not (target.claim.protocol or target.claim.function):
        raise Inconclusive(
            "the target file has neither a [claim] protocol nor a [claim] function: there are no "
            "SQL steps to run (docs/explore.md says how to write a protocol)"
        )
    try:
        found = await explored_in_own_database(system, target, seed, cells)
    except (CannotGoOnError, Misconfigured) as error:
        raise Inconclusive(f"could not run the interleavings: {error}") from error
    await look_at_findings(found, cells)
    for covered in found.covered:
        scripts = covered.planned.scenario.scripts
        for kind in {act.kind for script in scripts for act in script}:
            if kind not in (Kind.COMMIT, Kind.ROLLBACK):
                cover("interleavings", step=kind.value, workers=str(len(scripts)))
    observe(found.run, what="interleavings")


async def explored_in_own_database(
    system: System, target: Target, seed: int, cells: Cells
) -> Exploration:
    """Explore in a clone of the system's database that no worker uses."""
    assert target.claim is not None
    budget = Budget(findings=1 if cells.stop_at_first else None, seconds=MOST_S)
    protocol_file = target.claim.protocol
    own = await launch_sibling(system, api_instances=0 if protocol_file else 1, workers=0)
    try:
        if protocol_file is not None:
            return await explored(own, load_protocol(Path(protocol_file)), seed, budget)
        organizations = await queue_exports(own)
        await together(own.kill(instance) for instance in own.api)
        assert own.control_url is not None
        table = ExportTable.of(target)
        assert table is not None
        protocol = await contract_claim(own.control_url, table=table)
        return await explored(own, protocol, seed, budget, organizations)
    finally:
        await own.close()


async def queue_exports(own: System) -> Sequence[str]:
    """Let the backend queue exports; return the ids of their organizations."""
    base_urls = [instance.base_url for instance in own.api]
    async with Organizations.of(
        own.target, base_urls, control_url=own.control_url
    ) as organizations:
        tenants = await organizations.several(len(EXPORTS_NEEDED))
        for tenant, count in zip(tenants, EXPORTS_NEEDED, strict=True):
            for _ in range(count):  # a job has one live export of a type
                await tenant.client.new_export((await tenant.new_job())["id"])
    return [tenant.id for tenant in tenants]


async def explored(
    own: System, protocol: Protocol, seed: int, budget: Budget, organizations: Sequence[str] = ()
) -> Exploration:
    """Run all scenarios in brief: one broken rule does not hide another."""
    assert own.control_url is not None
    database = await ExploredDatabase.open(own.control_url, protocol, organizations)
    try:
        if not organizations:  # what a file says may be wrong
            await rehearse(database)
        return await explore(
            database,
            plan(protocol.kinds(), workers=3, takes_over=protocol.takes_over, brief=True),
            seed=seed,
            budget=budget,
        )
    finally:
        await database.close()


async def look_at_findings(found: Exploration, cells: Cells) -> None:
    """Take each scenario for a cell, and each rule broken in it for a finding with its steps."""
    for title in dict.fromkeys(covered.planned.scenario.title for covered in found.covered):
        broken = [finding for finding in found.findings.values() if finding.title == title]
        for finding in broken or (None,):
            async with cells.of(interleaving=title):
                if finding is not None:
                    raise failure_of(finding)
    if not found.is_complete and not found.findings:
        raise Inconclusive(f"some interleavings were not run: {found.stopped_by}")
    if found.not_looked_at:
        raise Inconclusive(f"not looked at: {found.not_looked_at}")


def failure_of(finding: Finding) -> CheckFailed:
    """Give the failure that a rule broken in an interleaving is, with its steps as evidence."""
    steps = render_finding(finding)
    return CheckFailed(
        expected=f"{finding.violation.expected} [{finding.violation.rule}]",
        got=finding.violation.got,
        detail="\n".join(steps),
        evidence=(transitions_evidence("the shortest interleaving", steps),),
        aspect=finding.violation.rule,
    )
