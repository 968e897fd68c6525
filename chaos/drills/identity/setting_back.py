"""Exports that the owner of the database sets back to the queue, as an operator does by hand."""

from collections.abc import Sequence
from datetime import timedelta

import psycopg

from chaos.drills.worker_drill import WorkerDrill
from chaos.faults.harmed_database import HarmedDatabase
from harness.errors import Inconclusive
from harness.target.sql.export_table import ExportTable


async def set_back(drill: WorkerDrill, export_ids: Sequence[str], silent: timedelta) -> None:
    """Set exports in progress back to the queue, all at once, with the last sign of life so old.

    `Inconclusive` where the table does not allow it, or not all of them are in progress.
    """
    table = ExportTable.of(drill.target)
    assert table is not None
    where = f"WHERE e.{table.id}::text = ANY (%s) AND {table.is_in('preparing', 'e')}"
    older = table.made_older(f"{silent.total_seconds():f} seconds")
    update = f"UPDATE {table.name} AS e SET"
    database = HarmedDatabase.of(drill.own.system)
    try:
        async with database.control() as connection, connection.transaction():
            if older:
                await connection.execute(f"{update} {older} {where}".encode(), [list(export_ids)])
            statement = f"{update} {table.set_back_by_hand()} {where}"
            changed = await connection.execute(statement.encode(), [list(export_ids)])
    except psycopg.Error as error:
        raise Inconclusive(
            f"exports could not be set back to the queue by hand: {error}; the columns that "
            "a claim sets are named in [claim.columns]"
        ) from error
    if changed.rowcount != len(export_ids):
        raise Inconclusive(
            f"only {changed.rowcount} of {len(export_ids)} exports were still in progress when "
            "they were to be set back to the queue"
        )
