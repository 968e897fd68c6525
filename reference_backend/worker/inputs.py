"""What goes into archives: evidence and the ledger, read for several exports at once.

All of it is history: evidence sealed and events appended before the export was requested. It never
changes, so no transaction is needed, and ledger lines are cached from one export to the next.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from reference_backend import database
from reference_backend.ledger.event import LedgerEvent
from reference_backend.manifest.evidence import EvidenceFile, evidence_parameters
from reference_backend.worker.running import Claim

LARGEST_RANGE = 2000
CACHED_LINES = 50_000  # some 30 MB


class LedgerGapError(Exception):
    """Events are missing from a ledger, so an export of it would be incomplete."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The files of an export, and the events up to its ledger head, each as JSON on one line."""

    evidence: Sequence[EvidenceFile]
    ledger_lines: Sequence[str]


class InputReader:
    """Reads inputs; one batch at a time."""

    def __init__(self, pool: database.Pool) -> None:
        self._pool = pool
        self._ledgers: OrderedDict[UUID, list[str]] = OrderedDict()

    async def read(self, claims: Sequence[Claim]) -> list[Inputs]:
        """The inputs of each claim. Raises DatabaseUnavailable."""
        evidence = await self._read_evidence(claims)
        await self._read_ledgers(claims)
        inputs = [
            Inputs(
                evidence=evidence[claim.id],
                ledger_lines=self._ledgers[claim.organization_id][: claim.ledger_head_seq],
            )
            for claim in claims
        ]
        self._forget_least_recently_used()
        return inputs

    async def _read_evidence(self, claims: Sequence[Claim]) -> Mapping[UUID, list[EvidenceFile]]:
        files: dict[UUID, list[EvidenceFile]] = {claim.id: [] for claim in claims}
        with_evidence = [claim for claim in claims if claim.export_type == "proof-pack"]
        rows = await database.call(
            self._pool, "evidence_of_exports", **evidence_parameters(with_evidence)
        )
        for row in rows:
            files[row.pop("export_id")].append(EvidenceFile(**row))
        return files

    async def _read_ledgers(self, claims: Sequence[Claim]) -> None:
        """Cache every ledger of these claims up to the last head that is needed."""
        wanted: dict[UUID, int] = {}
        for claim in claims:
            organization_id = claim.organization_id
            wanted[organization_id] = max(wanted.get(organization_id, 0), claim.ledger_head_seq)
            self._ledgers.setdefault(organization_id, [])
            self._ledgers.move_to_end(organization_id)
        while missing := {key: seq for key, seq in wanted.items() if len(self._ledgers[key]) < seq}:
            rows = await database.call(
                self._pool,
                "ledger_ranges",
                organization_ids=list(missing),
                after=[len(self._ledgers[key]) for key in missing],
                up_to=list(missing.values()),
                limit=LARGEST_RANGE,
            )
            for row, line in zip(rows, await asyncio.to_thread(_lines, rows), strict=True):
                lines = self._ledgers[row["organization_id"]]
                if row["ledger_seq"] != len(lines) + 1:
                    raise LedgerGapError(
                        f"organization {row['organization_id']}: expected event {len(lines) + 1}, "
                        f"got {row['ledger_seq']}"
                    )
                lines.append(line)
            if not rows:
                raise LedgerGapError(f"the ledgers end too early: {missing}")

    def _forget_least_recently_used(self) -> None:
        excess = sum(map(len, self._ledgers.values())) - CACHED_LINES
        while excess > 0:
            _, lines = self._ledgers.popitem(last=False)
            excess -= len(lines)


def _lines(rows: Sequence[database.Row]) -> list[str]:
    return [LedgerEvent(**row).as_json() for row in rows]
