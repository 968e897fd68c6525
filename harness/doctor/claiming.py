"""Whether the database has the claim function, with the arguments that the target file names."""

from collections.abc import Sequence
from difflib import get_close_matches

import psycopg

from harness.database import Database
from harness.doctor.step import Step
from harness.errors import Inconclusive
from harness.system.claim_function import Overload, closest, named_arguments, overloads_of
from harness.target.tables.claim import CLAIM_ARGUMENTS, Claim

NAME = "claim function"

_ALIKE = """
SELECT DISTINCT
    CASE WHEN pg_function_is_visible(p.oid) THEN p.proname::text
    ELSE n.nspname || '.' || p.proname END AS name
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1
"""
_MOST_SHOWN = 12
_ALIKE_ENOUGH = 0.4


async def look_at_claim_function(claim: Claim, database: Database) -> Step:
    """Hold the function's signature in the catalog against `[claim.arguments]`."""
    if not claim.function:
        return Step(name=NAME, how="not looked at", seen='function = "": there is none')
    try:
        async with database.connect() as connection:
            overloads = await overloads_of(connection, claim)
        known = [] if overloads else await database.fetch(_ALIKE)
    except (Inconclusive, psycopg.Error) as error:
        return Step(name=NAME, how="not looked at", seen=str(error).splitlines()[0])
    if not overloads:
        return _missing(claim, [str(row["name"]) for row in known])
    return of_signature(claim, overloads)


def of_signature(claim: Claim, overloads: Sequence[Overload]) -> Step:
    """Say what differs between the declared arguments and those of the closest function."""
    wanted = named_arguments(claim)
    found = closest(overloads, wanted)
    takes = f"{claim.function}({', '.join(found.names)})"
    problems = found.problems(wanted)
    if not problems:
        return Step(name=NAME, how="holds", seen=f"{takes}, as declared")
    return Step(
        name=NAME,
        how="does not hold",
        seen=f"{takes} cannot be called as declared: {'; '.join(problems)}",
        hint='of the contract\'s arguments, one that it does not have is ""; what else it needs is '
        "a constant",
        lines=("[claim.arguments]", *_lines(claim, found)),
    )


def _lines(claim: Claim, found: Overload) -> list[str]:
    wanted = named_arguments(claim)
    free = [name for name in found.names if name not in wanted]
    lines: list[str] = []
    for key in CLAIM_ARGUMENTS:
        own: str = getattr(claim.arguments, key)
        if not own or own in found.names:
            continue
        near = get_close_matches(own, free, n=1, cutoff=_ALIKE_ENOUGH)
        free = [name for name in free if name not in near]
        lines.append(f'{key} = "{near[0] if near else ""}"')
    declared = [f"{name} = {_shown(each)}" for name, each in claim.arguments.constants.items()]
    kept = [each for each in declared if each.partition(" = ")[0] in found.names]
    kept += [f"{name} = …" for name in found.needed(wanted) if name in free]
    if kept != declared:
        lines.append(f"constants = {{ {', '.join(kept)} }}" if kept else "constants = {}")
    return lines


def _shown(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _missing(claim: Claim, known: Sequence[str]) -> Step:
    bare = claim.function.rpartition(".")[2]
    names = {each.rpartition(".")[2] for each in known}
    alike = get_close_matches(bare, names, n=1, cutoff=_ALIKE_ENOUGH)
    there = [each for each in known if each.rpartition(".")[2] in alike]
    near = get_close_matches(claim.function, there, n=1, cutoff=0)  # of all schemas that have it
    likely = [each for each in known if "claim" in each or "take" in each or each in near]
    shown = ", ".join(likely[:_MOST_SHOWN])
    return Step(
        name=NAME,
        how="does not hold",
        seen=f"there is no function {claim.function}; that may be it: {shown or 'none'}",
        hint='where workers claim without a function, say function = ""',
        lines=("[claim]", f'function = "{near[0] if near else ""}"'),
    )
