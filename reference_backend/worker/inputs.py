"""What goes into archives: evidence and the ledger, read for several exports at once.

All of it is history: evidence sealed and events appended before the export was requested. It never
changes, so no transaction is needed, and the ledger's lines are kept from one export to the next.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from reference_backend import database, queries
from reference_backend.ledger.event import LedgerEvent
from reference_backend.manifest.evidence import EvidenceFile
from reference_backend.worker.running import Claim

LARGEST_STRETCH = 2000
KEPT_LINES = 50_000  # some 30 MB


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The files of an export, and the events up to its ledger head, each as JSON on one line."""

    evidence: Sequence[EvidenceFile]
    ledger_lines: Sequence[str]


class InputReader:
    """Reads inputs; one batch at a time."""

    def __init__(self, pool: database.Pool) -> None:
        self._pool = pool
        self._kept: OrderedDict[UUID, list[str]] = OrderedDict()

    async def read(self, claims: Sequence[Claim]) -> list[Inputs]:
        """The inputs of each claim. Raises DatabaseUnavailable."""
        evidence = await self._read_evidence(claims)
        await self._read_ledgers(claims)
        inputs = [
            Inputs(
                evidence=evidence[claim.export.export_id],
                ledger_lines=self._kept[claim.export.organization_id][
                    : claim.export.ledger_head_seq
                ],
            )
            for claim in claims
        ]
        self._forget_the_least_used()
        return inputs

    async def _read_evidence(self, claims: Sequence[Claim]) -> Mapping[UUID, list[EvidenceFile]]:
        files: dict[UUID, list[EvidenceFile]] = {claim.export.export_id: [] for claim in claims}
        shown = [claim.export for claim in claims if claim.export_type == "proof-pack"]
        rows = await database.call(
            self._pool,
            queries.load("evidence_of_exports"),
            {
                "export_ids": [export.export_id for export in shown],
                "organization_ids": [export.organization_id for export in shown],
                "job_ids": [export.job_id for export in shown],
                "up_to": [export.ledger_head_seq for export in shown],
            },
        )
        for row in rows:
            files[row["export_id"]].append(EvidenceFile.from_row(row))
        return files

    async def _read_ledgers(self, claims: Sequence[Claim]) -> None:
        """Have every ledger of these claims up to its last head that is needed."""
        wanted: dict[UUID, int] = {}
        for claim in claims:
            organization_id = claim.export.organization_id
            wanted[organization_id] = max(
                wanted.get(organization_id, 0), claim.export.ledger_head_seq
            )
            self._kept.setdefault(organization_id, [])
            self._kept.move_to_end(organization_id)
        while missing := {key: seq for key, seq in wanted.items() if len(self._kept[key]) < seq}:
            rows = await database.call(
                self._pool,
                queries.load("ledger_ranges"),
                {
                    "organization_ids": list(missing),
                    "after": [len(self._kept[key]) for key in missing],
                    "up_to": list(missing.values()),
                    "limit": LARGEST_STRETCH,
                },
            )
            for row, line in zip(rows, await asyncio.to_thread(_lines, rows), strict=True):
                lines = self._kept[row["organization_id"]]
                if row["ledger_seq"] != len(lines) + 1:
                    raise LedgerGapError(
                        f"organization {row['organization_id']}: expected event {len(lines) + 1}, "
                        f"the next there is {row['ledger_seq']}"
                    )
                lines.append(line)
            if not rows:
                raise LedgerGapError(f"the ledgers end too early: {missing}")

    def _forget_the_least_used(self) -> None:
        excess = sum(map(len, self._kept.values())) - KEPT_LINES
        while excess > 0:
            _, lines = self._kept.popitem(last=False)
            excess -= len(lines)


class LedgerGapError(Exception):
    """Events are missing from a ledger; an export would pretend that it is whole."""


def _lines(rows: Sequence[database.Row]) -> list[str]:
    return [LedgerEvent.from_row(row).as_json() for row in rows]
