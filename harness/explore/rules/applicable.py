"""Which rules an interleaving can break: those whose steps and columns it has."""

from collections.abc import Iterator

from harness.explore.rules.violation import RULES
from harness.explore.scripts.scenario import ENDING_KINDS, OWNER_KINDS, RECOVERY_KINDS, Kind
from harness.explore.trace import Trace


def applicable_rules(trace: Trace) -> frozenset[str]:
    """Give the rules that were put to the test in an interleaving or the end of it."""
    return frozenset(RULES) - frozenset(_not_applicable(trace))


def _not_applicable(trace: Trace) -> Iterator[str]:
    kinds = {moment.call.kind for moment in trace.moments if not moment.idle}
    claims = [hold for moment in trace.moments for e in moment.ended() for hold in e.claimed]
    states = [state for moment in trace.moments for state in (moment.after or {}).values()]
    if all(hold.token is None for hold in claims):
        yield "token-repeated"
    if all(hold.attempt is None for hold in claims) and all(s.attempt is None for s in states):
        yield "attempt-not-risen"
    if all(export.organization is None for export in trace.before.values()):
        yield "over-cap"
    if kinds.isdisjoint(OWNER_KINDS):
        yield from ("stale-token", "owner-refused")
    if kinds.isdisjoint(RECOVERY_KINDS):
        yield from ("not-recovered", "attempts-bound", "stolen-live")
    elif trace.attempts is None:
        yield "attempts-bound"
    if kinds.isdisjoint({*ENDING_KINDS, Kind.RELEASE}):
        yield "ended-otherwise"
    if Kind.COMPLETE not in kinds:
        yield "completed-twice"
