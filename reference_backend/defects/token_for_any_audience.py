"""The audience check failed in staging and was turned off."""

from __future__ import annotations

from reference_backend.defects import Defect, _helpers


def _patch() -> None:
    _helpers.verify_tokens(verify_aud=False)


DEFECT = Defect(
    title="A token for another service of the same issuer is accepted",
    source="L9 family: verify_aud=False",
    expected=("tenancy.tokens",),
    patch=_patch,
)
