"""ledger_match checks that the event records the hash, not that the chain up to it holds."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from reference_backend.database import Connection
from reference_backend.defects import Defect
from reference_backend.manifest import records
from reference_backend.manifest.records import ExportRecords


def _patch() -> None:
    clean = records.read_records

    async def read_records(
        connection: Connection, export_id: UUID, salts: Mapping[str, str]
    ) -> ExportRecords | None:
        known = await clean(connection, export_id, salts)
        if known is None:
            return None
        trusted = tuple(replace(event, chain_ok=True) for event in known.completions)
        return replace(known, completions=trusted)

    records.read_records = read_records


DEFECT = Defect(
    title="ledger_match checks one event and not the chain up to it",
    source="known: a proof taken from a ledger that was never verified",
    expected=("hash.tamper",),
    patch=_patch,
)
