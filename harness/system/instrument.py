"""Puts the harness's observing trigger on a target's table of exports."""

from importlib.resources import files

from psycopg import sql

from harness.postgres.server import Connection
from harness.table_columns import table_columns
from harness.target import Target
from harness.target.load import DEFAULT_TARGET
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import ExportColumn
from harness.target.toml.nearest import SHOWN, nearest
from harness.target.toml.toml_file import TomlFile

_WATCHED: tuple[ExportColumn, ...] = (
    "id",
    "organization_id",
    "state",
    "attempt",
    "claimed_by",
    "heartbeat_at",
    "claim_token",
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
        known = [] if columns else await _tables(connection)
        what = (
            f"has no {named}"
            if columns
            else f"does not exist after the migration{nearest(table, known)}; there are "
            f"{', '.join(known[:SHOWN]) or 'none'}"
        )
        problem = (
            f"the table {table!r} ([claim] table) {what}; "
            'name the table of exports and, under [claim.columns], its columns ("" for one that '
            "it does not have), or set [database] instrument = false"
        )
        file = TomlFile.read(target.file or DEFAULT_TARGET, "target file")
        raise file.misconfigured([(("claim", "table"), problem)])
    for statements in ("observed_exports", "observe_export", "observing_triggers"):
        await connection.execute(_filled_in(statements, exports))


async def observe_leases_of(connection: Connection, target: Target) -> None:
    """Let the trigger of a system read leases by the stuck timeout that `target` declares."""
    exports = ExportTable.of(target)
    if exports is not None and exports.claim.lease_until and target.database.instrument:
        await connection.execute(_filled_in("observe_export", exports))


def _filled_in(statements: str, exports: ExportTable) -> sql.Composed:
    """Give a file of ours: what is filled in are identifiers and literals, quoted."""
    shown = {
        f"{row.lower()}_{name}": sql.SQL(exports.shown(name, row))
        for row in ("NEW", "OLD")
        for name in _WATCHED
    }
    text = (files("harness.system") / f"{statements}.sql").read_text(encoding="utf-8")
    return sql.SQL(text).format(table=sql.SQL(exports.name), **shown)


async def _tables(connection: Connection) -> list[str]:
    """The names of the tables that are not the server's own."""
    found = await connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace NOT IN "
        "('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY relname"
    )
    return [str(row[0]) for row in await found.fetchall()]
