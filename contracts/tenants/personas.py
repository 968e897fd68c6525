"""Who asks: users in each role, and those who must not get in."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.client import Organisation, Organisations, TokenRecipe
from harness.client.client import Client
from harness.client.tokens import ABSENT, ROLES, claims_of, signed, unsigned

Refusal = Literal[401, 403]

ANOTHER_SECRET = "a key that is not the issuer's, and just as long as one of his"  # noqa: S105
LONG_AGO_S = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Persona:
    """Somebody with a token, or without one, of one organisation."""

    name: str
    client: Client = field(repr=False)
    refused: Refusal | None
    """The status that turns this persona away from everything; None for a role that is let in."""

    @property
    def looks_only(self) -> bool:
        """Whether this is somebody who may read and not write."""
        return self.name == "viewer"


def personas(organisations: Organisations, org: Organisation) -> dict[str, Persona]:
    """Everybody who asks, by name; those who are refused claim to be the organisation's owner."""
    recipe = organisations.recipe
    good = claims_of(recipe, user=org.users["owner"], organization=org.id, role="owner")
    header = {"alg": recipe.algorithm, "typ": "JWT"}
    expired = good | {"exp": int(time.time()) - LONG_AGO_S}
    tokens: dict[str, tuple[str | None, Refusal | None]] = {
        **{role: (org.tokens[role], None) for role in ROLES},
        "no token": (None, 401),
        "expired": (_with_secret(recipe, expired), 401),
        "wrong key": (
            signed(header, good, secret=ANOTHER_SECRET, algorithm=recipe.algorithm),
            401,
        ),
        "alg: none": (unsigned({"alg": "none", "typ": "JWT"}, good), 401),
        "organisation only in user_metadata": (
            _with_secret(recipe, in_user_metadata_only(recipe, org)),
            403,
        ),
    }
    return {
        name: Persona(name=name, client=organisations.with_token(token), refused=refused)
        for name, (token, refused) in tokens.items()
    }


def vouching_claims(recipe: TokenRecipe) -> tuple[str, ...]:
    """The names of the top-level claims that carry the organisation, such as `app_metadata`."""
    return tuple(name for name, value in recipe.claims.items() if "{organization}" in str(value))


def in_user_metadata_only(
    recipe: TokenRecipe, org: Organisation, *, role: str = "owner"
) -> dict[str, Any]:
    """Claims that name the organisation where users themselves can write, and nowhere else."""
    said = {"organization_id": org.id, "role": role}
    left_out: dict[str, Any] = dict.fromkeys(vouching_claims(recipe), ABSENT)
    return claims_of(
        recipe,
        user=org.users["owner"],
        organization=org.id,
        role=role,
        changes={**left_out, "user_metadata": {**said, "app_metadata": said}},
    )


def _with_secret(recipe: TokenRecipe, claims: dict[str, Any]) -> str:
    header = {"alg": recipe.algorithm, "typ": "JWT"}
    return signed(header, claims, secret=recipe.secret, algorithm=recipe.algorithm)
