"""The token's header chooses the algorithm."""

from __future__ import annotations

from reference_backend.defects import Defect, _helpers


def _patch() -> None:
    _helpers.verify_tokens(algorithms=("HS256", "HS384", "HS512"))


DEFECT = Defect(
    title="Every HMAC algorithm is accepted instead of the agreed one",
    source="L9: RFC 8725, section 3.1",
    expected=("tenancy.tokens",),
    patch=_patch,
)
