"""Puts the harness's observing trigger on a target's table of exports."""

from importlib.resources import files

from psycopg import sql

from harness.errors import Misconfigured
from harness.postgres.server import Connection
from harness.table_columns import table_columns
from harness.target import Target
from harness.target.claim import ExportColumn
from harness.target.export_table import ExportTable
from harness.target.nearest import nearest

_WATCHED: tuple[ExportColumn, ...] = (
    "id",
    "organization_id",
    "state",
    "attempt",
    "claimed_by",
    "heartbeat_at",
)


async def install_instrument(connection: Connection, target: Target) -> None:
    """Let a trigger record every change of the exports, in the contract's words.

    Raises `Misconfigured` where the table is not as `[claim]` says.
    """
    exports = ExportTable.of(target)
    assert exports is not None, "[database] instrument needs [claim]"
    table = exports.claim.table
    columns = {each.name for each in await table_columns(connection, exports.name)}
    if missing := sorted(exports.needed(*_WATCHED) - columns):
        named = ", ".join(f"{name}{nearest(name, columns)}" for name in missing)
        what = f"has no {named}" if columns else "does not exist after the migration"
        raise Misconfigured(
            f"database.instrument: the table {table!r} ([claim] table) {what}; "
            'name the table of exports and, under [claim.columns], its columns ("" for one that '
            "it does not have), or set instrument = false"
        )
    shown = {
        f"{row.lower()}_{name}": sql.SQL(exports.shown(name, row))
        for row in ("NEW", "OLD")
        for name in _WATCHED
    }
    statements = (files("harness.system") / "instrument.sql").read_text(encoding="utf-8")
    await connection.execute(
        # A file of ours: what is filled in are identifiers and literals, quoted.
        sql.SQL(statements).format(table=sql.SQL(exports.name), **shown)
    )
