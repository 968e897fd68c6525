"""Which tables of a backend can be locked: those that are there under the names that are known."""

from collections.abc import Sequence

from chaos.drills.worker_drill import WorkerDrill
from chaos.faults.fault import Fault
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from harness.target.tables.catalog import TableName


async def locks_of(
    drill: WorkerDrill, *tables: TableName, mode: str = "ACCESS EXCLUSIVE"
) -> Sequence[Fault]:
    """Give a lock of each of these tables that the database has; none of the others."""
    database = HarmedDatabase.of(drill.own.system)
    names = [await table_of(drill, each) for each in tables]
    return [hold_table(database, name, mode) for name in names if name]


async def table_of(drill: WorkerDrill, table: TableName) -> str:
    """Give the name of a table that the database has; empty where it has none that is known.

    For that of evidence, which workers read, `[worker] work_table` may stand.
    """
    names = [drill.target.tenant_tables.get(table, "")]
    if table == "evidence" and drill.target.worker is not None:
        names.append(drill.target.worker.work_table or "")
    for name in filter(None, names):
        row = await drill.own.control_database.fetch_one("SELECT to_regclass(%s) AS oid", [name])
        if row["oid"] is not None:
            return name
    return ""
