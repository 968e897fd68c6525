"""Making the claim function missing or raise, and putting it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from harness.database import Database
from harness.errors import Inconclusive

PREFIX = "shakedown_hidden_"
"""Of the name that the function has while it is missing."""

COUNTER = "shakedown_calls.made"

_OVERLOADS = """
SELECT p.oid::regprocedure::text AS signature, n.nspname AS schema, p.proname AS name,
       pg_get_functiondef(p.oid) AS definition, pg_get_function_result(p.oid) AS result,
       pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_identity_arguments(p.oid) AS identity,
       p.proretset OR p.prorettype = 'void'::regtype OR p.proargmodes && '{o,b,t}'
           AS may_return_nothing
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.proname = %(name)s AND p.prokind = 'f'
  AND (%(schema)s = '' OR n.nspname = %(schema)s)
"""

_SET_UP_COUNTER = f"""
CREATE SCHEMA IF NOT EXISTS {COUNTER.partition(".")[0]};
GRANT USAGE ON SCHEMA {COUNTER.partition(".")[0]} TO PUBLIC;
CREATE SEQUENCE IF NOT EXISTS {COUNTER};
GRANT ALL ON SEQUENCE {COUNTER} TO PUBLIC
"""

_BROKEN = """
CREATE OR REPLACE FUNCTION {schema}.{name}({arguments}) RETURNS {result}
LANGUAGE plpgsql AS $broken$
BEGIN
    PERFORM nextval('{counter}');
    {body}
    RETURN{nothing};
END
$broken$
"""


@dataclass(frozen=True, kw_only=True)
class BreakableFunction:
    """Every overload of the claim function, as the backend's migrations made it."""

    database: Database
    overloads: Sequence[dict[str, Any]]

    async def rename_away(self) -> None:
        """Rename the function: calls of it fail with SQLSTATE 42883 (undefined function)."""
        for each in self.overloads:
            await self.database.fetch(
                f'ALTER FUNCTION {each["signature"]} RENAME TO "{PREFIX}{each["name"]}"'
            )

    async def rename_back(self) -> None:
        """Undo `rename_away`."""
        for each in self.overloads:
            await self.database.fetch(
                f'ALTER FUNCTION "{each["schema"]}"."{PREFIX}{each["name"]}"'
                f'({each["identity"]}) RENAME TO "{each["name"]}"'
            )

    async def replace_body(self, body: str) -> None:
        """Replace the body by `body` (PL/pgSQL) and `RETURN`, and count the calls."""
        await self.database.fetch(_SET_UP_COUNTER)
        for each in self.overloads:
            quoted = {name: f'"{each[name]}"' for name in ("schema", "name")}
            nothing = "" if each["may_return_nothing"] else " NULL"
            try:
                await self.database.fetch(
                    _BROKEN.format(**each | quoted, counter=COUNTER, body=body, nothing=nothing)
                )
            except psycopg.Error as error:
                raise Inconclusive(f"could not replace {each['signature']}: {error}") from error

    async def restore(self) -> None:
        """Undo `replace_body`."""
        for each in self.overloads:
            await self.database.fetch(each["definition"])

    async def calls(self) -> int:
        """Number of calls of the replaced function so far, those that raised included."""
        row = await self.database.fetch_one(
            f"SELECT last_value - 1 + is_called::int AS calls FROM {COUNTER}"  # noqa: S608
        )
        return int(row["calls"])


async def find_function(database: Database, name: str) -> BreakableFunction:
    """Find the function in the catalog; `Inconclusive` when it is not there."""
    schema, _, own = name.rpartition(".")
    overloads = await database.fetch(_OVERLOADS, {"schema": schema, "name": own})
    if not overloads:
        raise Inconclusive(f"the database has no function {name}, which [claim] function names")
    return BreakableFunction(database=database, overloads=overloads)
