"""The verifier uses the stored hash as the computed one."""

from collections.abc import Mapping

from reference_backend.defects import Defect
from reference_backend.ledger.event import LedgerEvent


def _patch() -> None:
    def expected_hash(self: LedgerEvent, salts: Mapping[str, str]) -> str | None:
        return self.hash if self.salt_key_id in salts else None

    LedgerEvent.expected_hash = expected_hash  # type: ignore[method-assign]


DEFECT = Defect(
    title="The verifier compares the stored hash with itself: any change passes",
    source="H13: Containarium #1326",
    expected=("hash.tamper",),
    patch=_patch,
)
