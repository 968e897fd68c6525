"""What stands in the database and in the store after a fault, and how long to wait for it."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from harness.checkers import (
    Download,
    ExportFacts,
    Orphan,
    Violation,
    download_violations,
    read_exports,
)
from harness.client import Organization, together
from harness.database import Database, Row
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.target import Target
from harness.target.export_table import ExportTable
from harness.target.models import ExportColumn
from harness.vocabulary.exports import TERMINAL_STATES

_POLL_S = 0.05
_HELD: tuple[ExportColumn, ...] = (
    "id",
    "state",
    "attempt",
    "claimed_by",
    "heartbeat_at",
    "started_at",
    "created_at",
)


async def database_now(database: Database) -> datetime:
    """The database's clock, by which all timing is judged."""
    moment: datetime = (await database.fetch_one("SELECT clock_timestamp() AS now"))["now"]
    return moment


async def in_progress(database: Database, target: Target) -> list[Row]:
    """Every export in progress: `id`, `attempt`, `claimed_by`, and its last sign of life."""
    table = ExportTable.of(target)
    if table is None:
        raise Inconclusive("the target file does not say which table holds exports: [claim] table")
    return await database.fetch(_sql("in_progress").format(exports=table.rows(*_HELD)))


async def orphans_of(
    database: Database, target: Target, described: Mapping[str, str]
) -> list[Orphan]:
    """What workers hold that can give no more sign of life.

    `described` says by the worker's name what befell it.
    """
    return [
        Orphan(
            export_id=row["id"],
            attempt=row["attempt"],
            heartbeat_at=row["heartbeat_at"],
            worker=row["claimed_by"],
            where=described[row["claimed_by"]],
        )
        for row in await in_progress(database, target)
        if row["claimed_by"] in described and row["heartbeat_at"] is not None
    ]


async def wait_until_all_ended(
    database: Database,
    target: Target,
    *,
    within_s: float,
    is_hopeless: Callable[[ExportFacts, datetime], bool],
) -> ExportFacts:
    """Wait until every export has ended, or until waiting longer is no use; give what is there.

    That is when none of them has ended for `within_s`: how long one takes is the backend's
    business. What has not ended by then is for the checkers to name.
    """
    until, ended = time.monotonic() + within_s, 0
    while True:
        now = await database_now(database)
        observed = await read_exports(database, target)
        before, ended = ended, sum(export.state in TERMINAL_STATES for export in observed.exports)
        if ended == len(observed.exports):
            return observed
        if ended > before:
            until = time.monotonic() + within_s
        if time.monotonic() > until or is_hopeless(observed, now):
            return observed
        await asyncio.sleep(_POLL_S)


async def broken_downloads(
    export_ids: Iterable[str], owners: Mapping[str, Organization]
) -> list[Violation]:
    """Download exports that the database calls ready; give everything that is wrong with them."""
    found = await together((_damages(each, owners[each]) for each in export_ids), at_once=8)
    return [violation for each in found for violation in each]


async def _damages(export_id: str, owner: Organization) -> list[Violation]:
    answer = await owner.client.download(export_id)
    if answer.status != 200:
        manifest_hash = None
    else:
        shown = await owner.client.call("getExport", path={"export_id": export_id})
        manifest_hash = expect_status(shown, 200).data["manifest_hash"]
    return download_violations(
        Download(
            export_id=export_id,
            status=answer.status,
            body=answer.body,
            repr_digest=answer.headers.get("repr-digest"),
            manifest_hash=manifest_hash,
            dialect=answer.dialect,
        )
    )


async def snapshot_rows(database: Database, target: Target) -> Mapping[str, Mapping[str, object]]:
    """Every export and ledger event with all its columns, by what it is."""
    table = ExportTable.of(target)
    if table is None or target.ledger is None:
        raise Inconclusive("the target file does not say which tables hold exports and ledger")
    columns = target.ledger.columns
    sql = _sql("snapshot").format(
        exports=table.claim.table,
        id=table.id,
        ledger=target.ledger.table,
        ledger_seq=columns.ledger_seq,
        organization_id=columns.organization_id,
    )
    return {row["what"]: row["record"] for row in await database.fetch(sql)}


def changes_between(
    before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]
) -> list[str]:
    """Say what is different, a line each."""
    changes = [f"{what} is gone" for what in before.keys() - after.keys()]
    for what, record in after.items():
        if what not in before:
            changes.append(f"{what} is new: {dict(record)}")
            continue
        changes += [
            f"{name} of {what} was {before[what].get(name)!r}, is {value!r}"
            for name, value in record.items()
            if before[what].get(name) != value
        ]
    return sorted(changes)


@cache
def _sql(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
