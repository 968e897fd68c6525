"""Exports: their states, their types, and the files in them that have fixed names."""

from collections.abc import Mapping

QUEUED = "queued"
PREPARING = "preparing"
"""A worker owns the export."""
READY = "ready"
FAILED = "failed"
CANCELED = "canceled"

LIVE_STATES = frozenset({QUEUED, PREPARING})
TERMINAL_STATES = frozenset({READY, FAILED, CANCELED})
FINAL_STATES = frozenset({READY, CANCELED})
"""The terminal states without a way out; a failed export can be retried."""
STATES = LIVE_STATES | TERMINAL_STATES

NEXT_STATES: Mapping[str | None, frozenset[str]] = {
    None: frozenset({QUEUED}),
    QUEUED: frozenset({PREPARING, CANCELED}),
    PREPARING: frozenset({QUEUED, READY, FAILED, CANCELED}),
    FAILED: frozenset({QUEUED}),
}
"""Where an export may go from each state; None is before its insert."""

PROOF_PACK = "proof-pack"
LEDGER = "ledger"
EXPORT_TYPES = (PROOF_PACK, LEDGER)

MANIFEST_FILE = "manifest.json"
LEDGER_FILE = "ledger.json"
