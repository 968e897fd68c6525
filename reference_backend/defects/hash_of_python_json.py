"""The application hashes its own JSON text: indent of two spaces, keys in order of insertion."""

import json

from reference_backend.defects import Defect
from reference_backend.ledger import canonical


def _patch() -> None:
    def dumps(value: object) -> str:
        return json.dumps(value, indent=2, default=float)

    canonical.jsonb_pretty = dumps


DEFECT = Defect(
    title="Hashes are computed over Python's JSON text, which differs from the database's",
    source="P5, H1-H4: PageSpace #1073, arc #703, promscale #149, enketo #1605",
    expected=("hash.database-parity", "golden.ledger-event"),
    patch=_patch,
)
