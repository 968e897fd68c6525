"""A ledger event, and what is computed from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from reference_backend.ledger import canonical

CANONICAL_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class LedgerEvent:
    """One row of ``audit_logs``. ``metadata`` is the database's own JSON text: no digit is lost."""

    id: UUID
    organization_id: UUID
    ledger_seq: int
    actor_id: str | None
    event_name: str
    target_type: str
    target_id: UUID | None
    created_at: datetime
    metadata: str
    prev_hash: str | None
    hash: str
    salt_key_id: str
    canonical_version: int

    def canonical(self) -> str:
        """The text that is hashed; the same as ``ledger_canonical()`` in the database."""
        return canonical.jsonb_pretty(
            {
                "ledger_seq": self.ledger_seq,
                "organization_id": str(self.organization_id),
                "actor_id": self.actor_id or "",
                "event_name": self.event_name,
                "target_type": self.target_type,
                "target_id": str(self.target_id or ""),
                "created_at": utc_text(self.created_at),
                "metadata": canonical.loads(self.metadata),
            }
        )

    def expected_hash(self, salts: Mapping[str, str]) -> str | None:
        """The hash this row should have; None if its salt or its canonical form is unknown."""
        salt = salts.get(self.salt_key_id)
        if salt is None or self.canonical_version != CANONICAL_VERSION:
            return None
        text = self.canonical() + (self.prev_hash or "") + salt
        return hashlib.sha256(text.encode()).hexdigest()

    def as_json(self) -> str:
        """The event as a JSON object on one line, its metadata exactly as the database has it."""
        fields = {**vars(self), "created_at": utc_text(self.created_at)}
        metadata = fields.pop("metadata")
        text = json.dumps(fields, ensure_ascii=False, default=str)
        return f'{text[:-1]}, "metadata": {metadata}}}'


def utc_text(moment: datetime) -> str:
    """A time as it is hashed and shown: ``2026-01-31T23:59:59.000001Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
