"""Database and application agree on the wrong form: the compact text of the document."""

import re

from reference_backend.defects import Defect, Edit
from reference_backend.ledger import canonical
from reference_backend.ledger.canonical import JsonValue

# Line breaks within strings are escaped, so every real one belongs to the layout.
_BETWEEN_MEMBERS = re.compile(r",\n *")
_LAYOUT = re.compile(r"\n *")


def _patch() -> None:
    pretty = canonical.jsonb_pretty

    def compact(value: JsonValue) -> str:
        return _LAYOUT.sub("", _BETWEEN_MEMBERS.sub(", ", pretty(value)))

    canonical.jsonb_pretty = compact


DEFECT = Defect(
    title="The ledger hashes the compact text of the document, and so does its own verifier",
    source="P5, H2, H13: Containarium #1326",
    expected=("hash.database-parity",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="    SELECT jsonb_pretty(jsonb_build_object(",
            new="    SELECT format('%s', jsonb_build_object(",
        ),
    ),
    patch=_patch,
)
