"""Whether the database has the function that `[ledger] canonical_function` names."""

from difflib import get_close_matches

import psycopg

from harness.database import Database
from harness.doctor.step import Step
from harness.errors import Inconclusive
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.ledger import Ledger

NAME = "canonical function"

_ALIKE = """
SELECT DISTINCT quote_ident(p.proname) AS bare,
       CASE WHEN pg_function_is_visible(p.oid) THEN quote_ident(p.proname)
            ELSE format('%I.%I', n.nspname, p.proname) END AS name
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.pronargs = 1
ORDER BY 1, 2
"""


async def look_at_canonical_function(name: str, ledger: Ledger, database: Database) -> Step:
    """Let the database look for it as checks call it: with a row of the ledger's table."""
    table = LedgerTable(ledger).name
    try:
        # No row is read. Names are looked up first, then whether this role may call it.
        await database.fetch(f"SELECT {name}(shakedown_row) FROM {table} AS shakedown_row LIMIT 0")  # noqa: S608 - names come from the target file
    except psycopg.errors.InsufficientPrivilege:
        pass
    except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
        return await _missing(name, table, database)
    except (Inconclusive, psycopg.Error) as error:
        return Step(name=NAME, how="not looked at", seen=str(error).splitlines()[0])
    return Step(name=NAME, how="holds", seen=f"{name}, which takes a row of {table}")


async def _missing(name: str, table: str, database: Database) -> Step:
    names = {str(row["bare"]): str(row["name"]) for row in await database.fetch(_ALIKE)}
    near = get_close_matches(name.rpartition(".")[2], names, n=1)
    return Step(
        name=NAME,
        how="does not hold",
        seen=f"there is no function {name} that takes a row of {table}"
        + (f"; that may be it: {names[near[0]]}" if near else ""),
        hint="where the backend writes the text in its own code alone, leave it out",
        lines=("[ledger]", f'canonical_function = "{names[near[0]] if near else "…"}"'),
    )
