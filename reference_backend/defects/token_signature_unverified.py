"""The API trusts the gateway to have verified the token."""

from __future__ import annotations

from reference_backend.defects import Defect, _helpers


def _patch() -> None:
    _helpers.verify_tokens(verify_signature=False, verify_exp=True, verify_aud=True)


DEFECT = Defect(
    title="Tokens are read without verifying their signature",
    source="L9: JWT unverified, alg none",
    expected=("tenancy.tokens", "tenancy.matrix"),
    patch=_patch,
)
