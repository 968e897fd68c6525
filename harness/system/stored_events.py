"""An organization's ledger read from the database, for a backend whose API does not show it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.client import Organizations, Record
from harness.client.client import StoredEvents
from harness.client.dialect.name_map import NameMap
from harness.client.dialect.pointers import NOTHING, value_at
from harness.database import Database, Row
from harness.errors import CheckFailed
from harness.target import Target
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.ledger import Ledger, LedgerColumns
from harness.untrusted.json_pointers import steps

_AS_JSON = ("ledger_seq", "created_at", "canonical_version")
"""Columns that are shown as JSON, not as text."""


def read_events_from(organizations: Organizations, database: Database, target: Target) -> None:
    """Let the clients of these organizations read their events from the database.

    Only where the API does not show them, and the target file describes their table.
    """
    ledger = target.ledger
    if ledger is None or "listLedgerEvents" in organizations.routes:
        return
    dialect = NameMap(target.contract).resource_dialect("ledger_event")
    missing = {name for name in LedgerColumns.model_fields if not ledger.own_column(name)}
    dialect = replace(dialect, absent_fields=dialect.absent_fields | missing)

    added = _members_of_metadata(target)

    def events_of(organization_id: str) -> StoredEvents:
        async def read(target_id: str | None) -> list[Record]:
            rows = await _rows(database, ledger, organization_id)
            events = [_record(row) for row in rows]
            for event in events:
                event.source, event.dialect = f"a row of {ledger.table}", dialect
                for name in ("event_name", "target_type"):
                    if name in event:
                        event[name] = event.contract_value(name, event[name])
                event["metadata"] |= {
                    name: value
                    for name, place in added.items()
                    if (value := value_at(event["metadata"], place)) is not NOTHING
                }
            return [event for event in events if target_id in (None, event["target_id"])]

        return read

    organizations.stored_events = events_of


def _members_of_metadata(target: Target) -> Mapping[str, tuple[str, ...]]:
    """Where in the metadata the members are that the target file names, by the contract's name."""
    places = target.contract.fields.get("ledger_event", {})
    whole = places.get("metadata", "/metadata")
    return {
        name.partition(".")[2]: steps(place.removeprefix(whole))
        for name, place in places.items()
        if name.startswith("metadata.") and place.startswith(f"{whole}/")
    }


async def _rows(database: Database, ledger: Ledger, organization_id: str) -> list[Row]:
    table = LedgerTable(ledger)
    columns = ", ".join(
        f"to_json({table.column(name)}) AS {name}"
        if name in _AS_JSON
        else f"{table.text(name)} AS {name}"
        for name in LedgerColumns.model_fields
        if table.has(name)
    )
    return await database.fetch(
        f"""
        SELECT {columns} FROM {table.name} WHERE {table.of()} ORDER BY {table.place}
        """,  # noqa: S608 - names of table and columns come from the target file
        {"organization_id": organization_id},
    )


def _record(row: Row) -> Record:
    values: dict[str, Any] = dict(row)
    for name in ("prev_hash", "hash"):
        values[name] = (values[name] or "").removeprefix("\\x") or None
    try:
        metadata = json.loads(values["metadata"] or "{}")
    except ValueError as error:
        raise CheckFailed(
            expected="JSON as the metadata of every event of the ledger",
            got=f"{values['metadata']!r:.200}",
            rule="ledger.chain-valid",
            subject="metadata",
        ) from error
    values["metadata"] = metadata if isinstance(metadata, dict) else {"metadata": metadata}
    return Record(values)
