"""chain_ok describes only the requested event, not those before it."""

from reference_backend.database import Connection
from reference_backend.defects import Defect
from reference_backend.ledger import verify
from reference_backend.ledger.event import LedgerEvent
from reference_backend.ledger.verify import Verification


async def _verify_event(
    connection: Connection, event: LedgerEvent, salts: dict[str, str]
) -> Verification:
    before = None
    async for batch in verify.read_chain(connection, event.organization_id, event.ledger_seq - 1):
        before = batch[-1]
    hash_matches = event.hash == event.expected_hash(salts)
    prev_hash_valid = event.prev_hash == (before.hash if before else None)
    return Verification(
        hash_matches=hash_matches,
        prev_hash_valid=prev_hash_valid,
        chain_ok=hash_matches and prev_hash_valid,
        depth=event.ledger_seq,
    )


def _patch() -> None:
    verify.verify_event = _verify_event  # type: ignore[assignment]


DEFECT = Defect(
    title="Verification checks one event and its link and reports that as the chain",
    source="known: a chain walk that never walks; depth taken from ledger_seq",
    expected=("hash.tamper",),
    patch=_patch,
)
