"""The served document was generated before the last change of the export's fields."""

from __future__ import annotations

import json

from reference_backend.defects import Defect, _helpers


def _older(document: bytes) -> bytes:
    served = json.loads(document)
    export = served["components"]["schemas"]["Export"]
    export["required"].remove("queue_position")
    del export["properties"]["queue_position"]
    return json.dumps(served).encode()


def _patch() -> None:
    _helpers.change_document(_older)


DEFECT = Defect(
    title="The served OpenAPI document is that of an older release",
    source="known: a generated file that is committed and not regenerated",
    expected=("contract.openapi",),
    patch=_patch,
)
