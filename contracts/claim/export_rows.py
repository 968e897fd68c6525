"""Rows of the table of exports, read before and after something that may change them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection

from harness.errors import Inconclusive
from harness.expect import expect
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import ExportColumn
from harness.vocabulary.exports import PREPARING

_READ: tuple[ExportColumn, ...] = (
    "id",
    "organization_id",
    "state",
    "attempt",
    "claimed_by",
    "created_at",
    "started_at",
    "heartbeat_at",
)


@dataclass(frozen=True, kw_only=True)
class ExportRow:
    """One row of the table of exports."""

    id: str
    organization_id: str
    state: str
    attempt: int | None
    """None where the table does not keep it."""
    claimed_by: str | None
    created_at: datetime
    stamped_at: datetime | None
    """The later one of `started_at` and `heartbeat_at`, as far as the table has them."""

    def is_claimed_since(self, before: "ExportRow") -> bool:
        """Whether the export was claimed after `before` was read, whatever its state was."""
        return self.state == PREPARING and (
            before.state != PREPARING
            or (self.attempt, self.claimed_by) != (before.attempt, before.claimed_by)
        )


async def read_export_rows(
    connection: AsyncConnection[Any], table: ExportTable
) -> dict[str, ExportRow]:
    """Read every export by its id.

    Takes the connection back to its login role first: row security hides rows from workers.
    """
    await connection.execute("RESET ROLE")
    try:
        cursor = await connection.execute(
            "SELECT id::text, organization_id::text, state::text, attempt, claimed_by::text, "  # noqa: S608 - from the target file
            # Python has no infinite time, but a backend's own rows may have one.
            "CASE WHEN isfinite(created_at) THEN created_at ELSE 'epoch' END AS created_at, "
            "GREATEST(started_at, heartbeat_at) AS stamped_at "
            f"FROM {table.rows(*_READ)} AS shown".encode()
        )
        return {row["id"]: ExportRow(**row) for row in await cursor.fetchall()}
    except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as error:
        raise Inconclusive(f"{table.claim.table} lacks what this check reads: {error}") from error


def expect_unchanged(
    before: Mapping[str, ExportRow],
    after: Mapping[str, ExportRow],
    what: str,
    *,
    detail: str = "",
    but: frozenset[str] = frozenset(),
) -> None:
    """Fail when `what` changed, added or removed an export whose id is not in `but`."""
    changed = [
        (before.get(each), after.get(each))
        for each in sorted((before.keys() | after.keys()) - but)
        if before.get(each) != after.get(each)
    ]
    expect(
        not changed,
        expected=f"no other export changed by {what}",
        got=f"{len(changed)} other exports changed, such as {changed[:1]}",
        detail=detail,
    )
