"""Tokens that were made elsewhere: `[tokens.given]`."""

from collections.abc import Mapping

from pydantic import SecretStr

from harness.target.contract.envelope import Pointer
from harness.target.tables.models import Table

ORGANIZATIONS_OF: Mapping[str, str] = {
    "organization": "token",
    "organization_a": "org_a",
    "organization_b": "org_b",
}
"""By the key that says an organization: that of the token which it says it of."""


class GivenTokens(Table):
    """Tokens that were made elsewhere, usually read from the environment."""

    token: SecretStr
    job: str | None = None
    org_a: SecretStr | None = None
    org_b: SecretStr | None = None
    job_org_a: str | None = None
    job_org_b: str | None = None
    organization_claim: Pointer = "/app_metadata/organization_id"
    """Where the claims of these tokens name the organization."""
    organization: str | None = None
    """The id of the organization of `token`, where the backend looks it up."""
    organization_a: str | None = None
    """That of `org_a`."""
    organization_b: str | None = None
    """That of `org_b`."""
