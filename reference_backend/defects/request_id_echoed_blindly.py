"""The client's request id is copied unchecked into headers and logs."""

from uuid import uuid4

from reference_backend.api import context, middleware
from reference_backend.defects import Defect


def _patch() -> None:
    def request_id_for(sent: str | None) -> str:
        return sent or str(uuid4())

    context.request_id_for = request_id_for
    middleware.request_id_for = request_id_for  # type: ignore[attr-defined]  # an imported name


DEFECT = Defect(
    title="Any X-Request-ID is echoed: a thousand characters, markup, spaces",
    source="known: log injection through correlation ids (CWE-117)",
    expected=("contract.problem-details",),
    patch=_patch,
)
