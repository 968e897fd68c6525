"""Retry-After was lost when errors were moved to one place."""

from dataclasses import replace

from reference_backend.api import problems
from reference_backend.defects import Defect


def _patch() -> None:
    problems.KINDS = {
        code: replace(kind, retry_after_s=None) if kind.status == 503 else kind
        for code, kind in problems.KINDS.items()
    }


DEFECT = Defect(
    title="A 503 during an outage has no Retry-After",
    source="RFC 9110, section 10.2.3",
    expected=("contract.problem-details",),
    patch=_patch,
)
