"""Whether the claim function takes the arguments that a target file names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from harness.errors import Misconfigured
from harness.postgres.server import Connection
from harness.target import Target
from harness.target.tables.claim import CLAIM_ARGUMENTS, Claim
from harness.target.toml.nearest import nearest

_ARGUMENTS = """
SELECT COALESCE((
    SELECT array_agg(a.name::text ORDER BY a.n)
    FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY AS a (name, mode, n)
    WHERE COALESCE(a.mode, 'i') IN ('i', 'b', 'v')
), '{}') AS names, p.pronargs - p.pronargdefaults AS required
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.proname = %(name)s AND (%(schema)s = '' OR n.nspname = %(schema)s)
ORDER BY p.oid
"""


@dataclass(frozen=True, kw_only=True)
class Overload:
    """One of the functions of a name."""

    names: list[str]
    """Its arguments."""
    required: int
    """So many of them, the first ones, have no default."""

    def unknown(self, wanted: Mapping[str, str]) -> list[str]:
        """What it is to be called with, and does not take."""
        return [name for name in wanted if name not in self.names]

    def needed(self, wanted: Mapping[str, str]) -> list[str]:
        """What it must be called with, and is not."""
        return [name for name in self.names[: self.required] if name not in wanted]

    def problems(self, wanted: Mapping[str, str]) -> list[str]:
        """What keeps it from being called with these arguments, each with its key."""
        return [
            *(
                f"it has no argument {name!r}{nearest(name, self.names)} ({wanted[name]})"
                for name in self.unknown(wanted)
            ),
            *(
                f"it needs {name!r}, which nothing gives it (constants = {{ {name} = … }})"
                for name in self.needed(wanted)
            ),
        ]


async def overloads_of(connection: AsyncConnection[Any], claim: Claim) -> list[Overload]:
    """Read which functions have the name of `[claim] function`."""
    schema, _, name = claim.function.rpartition(".")
    async with connection.cursor(row_factory=class_row(Overload)) as cursor:
        await cursor.execute(_ARGUMENTS, {"schema": schema, "name": name})
        return await cursor.fetchall()


def closest(overloads: Sequence[Overload], wanted: Mapping[str, str]) -> Overload:
    """Give the one of them with the fewest problems."""
    return min(overloads, key=lambda each: len(each.problems(wanted)))


async def expect_claim_function(connection: Connection, target: Target) -> None:
    """Raise `Misconfigured` where no function takes what `[claim.arguments]` names.

    What the contract says of the function is the checks' business: only own names are looked up.
    """
    claim = target.claim
    if claim is None or not claim.function or not claim.has_own_arguments:
        return
    overloads = await overloads_of(connection, claim)
    if not overloads:
        raise Misconfigured(
            f"claim.function: after the migration there is no function {claim.function!r}, of "
            'which [claim.arguments] names the arguments; function = "" if there is none'
        )
    wanted = named_arguments(claim)
    nearest_one = closest(overloads, wanted)
    if problems := nearest_one.problems(wanted):
        raise Misconfigured(
            f"claim.arguments: the function {claim.function!r} cannot be called with them: "
            f"{'; '.join(problems)}. It takes {', '.join(nearest_one.names) or 'nothing'}; of the "
            'contract\'s arguments, one that it does not have is ""'
        )


def named_arguments(claim: Claim) -> dict[str, str]:
    """The function's own name of each argument, and the key that names it."""
    keys = {getattr(claim.arguments, key): key for key in CLAIM_ARGUMENTS}
    constants = {name: f"constants.{name}" for name in claim.arguments.constants}
    return {name: key for name, key in (keys | constants).items() if name}
