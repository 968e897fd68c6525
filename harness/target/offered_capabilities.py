"""Which capabilities a target offers to checks, by what its file says."""

from harness.target.capability import Capability
from harness.target.target_file import TargetFile


def capabilities_of(target: TargetFile, *, may_be_harmed: bool) -> frozenset[Capability]:
    """Give what checks may ask of it; `may_be_harmed`: file and command line both permit it."""
    offered = {Capability.HTTP}
    given = target.tokens.given
    if target.tokens.makes_organizations or (given and given.org_a and given.org_b):
        offered.add(Capability.TENANTS)
    if target.tokens.makes_organizations:
        offered.add(Capability.ORGANIZATIONS)
    if target.database.source != "none":
        offered.add(Capability.DATABASE)
    if target.database.source in {"embedded", "docker"}:
        offered.add(Capability.DATABASE_CONTROL)
    if target.contract.declares_absence:
        offered.add(Capability.ABSENCES)
    if target.driver != "external":
        offered |= {Capability.SPAWN, Capability.KILL, Capability.PAUSE, Capability.RESTART}
        if target.failpoints:
            offered.add(Capability.FAILPOINTS)
    if target.driver == "docker":
        offered.add(Capability.NETWORK)
    if target.driver != "external":
        offered.add(Capability.LOAD)
    elif may_be_harmed:
        offered.add(Capability.LOAD)
        if target.chaos.faults:
            offered.add(Capability.FAULTS)
    return frozenset(offered)
