"""The salt has a key id, a table and a rotation, but is not used in the hash."""

import hashlib
from collections.abc import Mapping

from reference_backend.defects import Defect, Edit
from reference_backend.ledger.event import LedgerEvent


def _patch() -> None:
    def expected_hash(self: LedgerEvent, salts: Mapping[str, str]) -> str | None:
        if self.salt_key_id not in salts:
            return None
        return hashlib.sha256((self.canonical() + (self.prev_hash or "")).encode()).hexdigest()

    LedgerEvent.expected_hash = expected_hash  # type: ignore[method-assign]


DEFECT = Defect(
    title="The salt is not in the hash: a client that can write a row can forge the chain",
    source="known: verifier and writer agree, so no test notices",
    expected=("hash.database-parity", "hash.chain"),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="|| COALESCE(p_prev_hash, '') || p_salt, 'UTF8')",
            new="|| COALESCE(p_prev_hash, ''), 'UTF8')",
        ),
    ),
    patch=_patch,
)
