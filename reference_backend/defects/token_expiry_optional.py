"""An exp in the past is refused; a token without exp is valid forever."""

from __future__ import annotations

from reference_backend.defects import Defect, _helpers


def _patch() -> None:
    _helpers.verify_tokens(require=["sub"])


DEFECT = Defect(
    title="exp is checked where present but not required",
    source="L9: exp ignored",
    expected=("tenancy.tokens",),
    patch=_patch,
)
