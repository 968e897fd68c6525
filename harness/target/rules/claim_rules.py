"""Contradictions within `[claim]`, and between it and the other tables of a target."""

from collections.abc import Iterator

from harness.target.tables.claim import CLAIM_ARGUMENTS, OPTIONAL_COLUMNS, Claim, ClaimResult
from harness.target.target import Target
from harness.target.toml.lines import KeyPath
from harness.vocabulary.exports import STATES

Broken = Iterator[tuple[KeyPath, str]]


def broken_claim_rules(target: Target) -> Broken:
    """Find every contradiction: where it stands, and what was expected instead."""
    claim = target.claim
    if claim is None:
        return
    for name, column in claim.columns.items():
        if not column and name not in OPTIONAL_COLUMNS:
            what = f"empty; only {', '.join(OPTIONAL_COLUMNS)} may be missing from the table"
            yield ("claim", "columns", name), what
    if claim.lease_until is not None and target.worker is None:
        yield ("claim", "lease_until"), "needs [worker] stuck_timeout_s, for which a lease lasts"
    yield from _states(target, claim)
    yield from _function(claim)


def _states(target: Target, claim: Claim) -> Broken:
    words = claim.states or target.contract.values.get("export", {}).get("state", {})
    where = ("claim", "states") if claim.states else ("contract", "values", "export", "state")
    if bad := [word for each in words.values() for word in each if set("%{}") & set(word)]:
        yield where, f"{bad[0]!r} has a %, {{ or }}: it cannot be looked for in the database"
    for name in sorted(set(claim.states) - STATES):
        what = f"unknown state {name!r}; expected one of {', '.join(sorted(STATES))}"
        yield ("claim", "states", name), what
    meanings: dict[str, str] = {}
    for state, each in claim.states.items():
        for word in each:
            if meanings.setdefault(word, state) != state:
                yield (
                    ("claim", "states", state),
                    f"{word!r} means {meanings[word]} already; a word of the table has one meaning",
                )


def _function(claim: Claim) -> Broken:
    own = [getattr(claim.arguments, name) for name in CLAIM_ARGUMENTS]
    names = [name for name in (*own, *claim.arguments.constants) if name]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield ("claim", "arguments"), f"{twice!r} stands for two arguments of the function"
    if not claim.function:
        for key, is_given in (
            ("arguments", claim.has_own_arguments),
            ("result", claim.result != ClaimResult()),
        ):
            if is_given:
                yield ("claim", key), 'there is no function to call (function = ""); remove it'
    elif claim.by_hand:
        yield ("claim", "by_hand"), "checks claim by the function; remove one of the two"
