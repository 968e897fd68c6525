"""The export id in the manifest is used instead of the one in the request."""

from typing import Any
from uuid import UUID

from reference_backend.api import verification
from reference_backend.api.identifiers import parse_id
from reference_backend.defects import Defect


def _patch() -> None:
    clean = verification._named_export  # noqa: SLF001

    def named_export(body: dict[str, Any]) -> UUID | None:
        asked = clean(body)
        own = parse_id(body.get("manifest", {}).get("export_id"))
        return own or asked

    verification._named_export = named_export  # noqa: SLF001


DEFECT = Defect(
    title="A submitted manifest is compared with the export it names, not with the requested one",
    source="known: an identifier taken from the document that is to be judged",
    expected=("manifest.submitted",),
    patch=_patch,
)
