"""Tokens as somebody else has made them: signed with a secret that the harness does not know."""

from harness.client.tokens.tokens import TokenRecipe, mint

_RECIPE = TokenRecipe(
    secret="a-secret-that-is-long-enough-for-hs256",
    algorithm="HS256",
    audience=None,
    issuer=None,
    lifetime_s=600,
    claims={"sub": "{user}", "app_metadata": {"organization_id": "{organization}"}},
)


def token_of(organization: str) -> str:
    """Give the token of a member of this organization."""
    user = f"user of {organization}"
    return mint(_RECIPE, user=user, organization=organization, role="member")
