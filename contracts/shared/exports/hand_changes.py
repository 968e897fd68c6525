"""Changing an export in the table as a worker would, where no request and no function does it."""

from collections.abc import Iterator

import psycopg

from harness.database import Database
from harness.errors import Inconclusive
from harness.target.sql.export_table import ExportTable
from harness.vocabulary.exports import FAILED, PREPARING, QUEUED


async def claim_by_hand(
    database: Database, table: ExportTable, export_id: str, worker: str
) -> None:
    """Claim one queued export; `Inconclusive` where the table does not let a check do that."""
    try:
        rows = await database.fetch(
            f"UPDATE {table.name} AS e SET {table.claimed_by_hand(worker)} "  # noqa: S608 - quoted
            f"WHERE e.{table.id}::text = %s AND {table.is_in(QUEUED, 'e')} RETURNING 1",
            [export_id],
        )
    except (psycopg.Error, Inconclusive) as error:
        raise _cannot(PREPARING, table, error) from error
    if not rows:
        raise Inconclusive(f"export {export_id} is not queued: the check cannot claim it by hand")


async def fail_by_hand(database: Database, table: ExportTable, export_id: str) -> None:
    """Set a claimed export to failed, as if its worker had given up; else `Inconclusive`."""
    problem: Exception | None = None
    for assignments in _failures(table):
        try:
            await database.fetch(
                f"UPDATE {table.name} SET {assignments} WHERE {table.id}::text = %s",  # noqa: S608 - quoted
                [export_id],
            )
        except (psycopg.Error, Inconclusive) as error:
            problem = error
        else:
            return
    raise _cannot(FAILED, table, problem)


def _failures(table: ExportTable) -> Iterator[str]:
    """Ways to set an export to failed, the most complete first: a table may refuse some."""
    state = table.becomes(FAILED)
    if not table.claim.columns:  # the contract's own
        yield (f"{state}, completed_at = now(), error_code = 'by_hand', error_message = 'by hand'")
    ended = [f"{table.own('claim_token')} = NULL"] if table.has("claim_token") else []
    if table.has("error_code"):
        yield ", ".join([state, f"{table.own('error_code')} = 'by_hand'", *ended])
    if ended:
        yield ", ".join([state, *ended])
    yield state


def _cannot(state: str, table: ExportTable, problem: Exception | None) -> Inconclusive:
    reason = str(problem).replace("\n", " ")
    return Inconclusive(f"cannot set an export to {state} in {table.claim.table}: {reason}")
