"""Ids of rules that several modules name; `harness/findings/rules.toml` has their sentences."""

ONE_RECORD = "idempotency.one-record"
"""Requests under one key make one record."""

REPLAY_MARKED = "header.idempotency-replayed"
"""A replay is marked, and nothing else."""

CHAIN_VALID = "ledger.chain-valid"
"""An organization's events are one chain with the right hashes."""

EVENT_WRITTEN = "ledger.event-written"
"""Every change writes an event."""

EVENT_ONCE = "ledger.event-once"
"""No change writes more than one event."""
