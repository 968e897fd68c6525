"""The verifier recomputes every hash of the chain but never compares it with the next event's prev_hash."""

from collections.abc import Iterable

from reference_backend.defects import Defect
from reference_backend.ledger.event import LedgerEvent
from reference_backend.ledger.verify import ChainWalk


def _extend(self: ChainWalk, events: Iterable[LedgerEvent]) -> None:
    found = self.found
    for event in events:
        found.depth += 1
        found.hash_matches = event.hash == event.expected_hash(self._salts)
        found.prev_hash_valid = bool(event.prev_hash) or self._previous is None
        if not (found.hash_matches and found.prev_hash_valid):
            found.broken_at.append(event.ledger_seq)
        found.chain_ok = not found.broken_at
        self._previous = event


def _patch() -> None:
    ChainWalk.extend = _extend  # type: ignore[method-assign]


DEFECT = Defect(
    title="The chain verifier never compares prev_hash with the previous hash: a cut chain passes",
    source="P8",
    expected=("hash.tamper",),
    patch=_patch,
)
