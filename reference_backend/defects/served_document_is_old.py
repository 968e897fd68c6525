"""The served document was generated before the last change of the export's fields."""

import json

from reference_backend.api import openapi
from reference_backend.defects import Defect


def _patch() -> None:
    clean = openapi._document  # noqa: SLF001

    def document() -> bytes:
        served = json.loads(clean())
        export = served["components"]["schemas"]["Export"]
        export["required"].remove("queue_position")
        del export["properties"]["queue_position"]
        return json.dumps(served).encode()

    openapi._document = document  # type: ignore[assignment]  # noqa: SLF001 - it is cached


DEFECT = Defect(
    title="The served OpenAPI document is that of an older release",
    source="known: a generated file that is committed and not regenerated",
    expected=("contract.openapi",),
    patch=_patch,
)
