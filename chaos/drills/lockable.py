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
    database, found = HarmedDatabase.of(drill.own.system), []
    for each in tables:
        name = drill.target.tenant_tables.get(each, "")
        row = await drill.own.control_database.fetch_one("SELECT to_regclass(%s) AS oid", [name])
        if name and row["oid"] is not None:
            found.append(hold_table(database, name, mode))
    return found
