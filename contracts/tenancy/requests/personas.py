"""Who asks: users in each role, and those who must not get in."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from contracts.tenancy.requests.credentials import ANOTHER_SECRET, forged_from
from harness.client import Organization, Organizations, TokenRecipe
from harness.client.client import Client
from harness.client.tokens import ABSENT, claims_of, signed, unsigned
from harness.vocabulary.roles import ROLES

Refusal = Literal[401, 403]
Shown = tuple[str | None, Refusal | None]
"""A token, if there is one, and the status that it is refused with, if it is."""

LONG_AGO_S = 24 * 3600

GIVEN = "given"
"""Whose token was given ready-made: nobody says in which role."""


@dataclass(frozen=True, kw_only=True)
class Persona:
    """Somebody with a token, or without one, of one organization."""

    name: str
    client: Client = field(repr=False)
    refused: Refusal | None
    """The status that turns this persona away from everything; None for a role that is let in."""
    is_representative: bool = False
    """Whether this one asks alone what everybody is answered alike."""

    @property
    def is_read_only(self) -> bool:
        """Whether this is somebody who may read and not write."""
        return self.name == "viewer"


def personas(organizations: Organizations, org: Organization) -> dict[str, Persona]:
    """Everybody who asks, by name; those who are refused claim to be the organization's owner.

    Where tokens are somebody else's to make: those who have one, and those whom nobody needs the
    issuer's secret to be.
    """
    known = _minted if organizations.can_mint else _unminted
    return {
        name: Persona(
            name=name,
            client=organizations.with_token(token),
            refused=refused,
            is_representative=name in {"owner", GIVEN},
        )
        for name, (token, refused) in known(organizations, org).items()
    }


def representative(people: Mapping[str, Persona]) -> Persona:
    """The one who asks for all."""
    return next(one for one in people.values() if one.is_representative)


def writers(people: Mapping[str, Persona]) -> list[Persona]:
    """Those who may do to what is their own whatever can be done to it."""
    return [one for one in people.values() if one.refused is None and not one.is_read_only]


def _unminted(_: Organizations, org: Organization) -> Mapping[str, Shown]:
    known = org.tokens if org.is_fresh else {GIVEN: org.tokens[org.roles[0]]}
    forged = forged_from(next(iter(known.values())))
    return {
        **{name: (token, None) for name, token in known.items()},
        "no token": (None, 401),
        **{name: (token, 401) for name, token in forged.items()},
    }


def _minted(organizations: Organizations, org: Organization) -> Mapping[str, Shown]:
    recipe = organizations.recipe
    good = claims_of(recipe, user=org.users["owner"], organization=org.id, role="owner")
    header = {"alg": recipe.algorithm, "typ": "JWT"}
    expired = good | {"exp": int(time.time()) - LONG_AGO_S}
    return {
        **{role: (org.tokens[role], None) for role in ROLES},
        "no token": (None, 401),
        "expired": (_with_secret(recipe, expired), 401),
        "wrong key": (
            signed(header, good, secret=ANOTHER_SECRET, algorithm=recipe.algorithm),
            401,
        ),
        "alg: none": (unsigned({"alg": "none", "typ": "JWT"}, good), 401),
        "organization only in user_metadata": (
            _with_secret(recipe, in_user_metadata_only(recipe, org)),
            403,
        ),
    }


def organization_claims(recipe: TokenRecipe) -> tuple[str, ...]:
    """The names of the top-level claims that carry the organization, such as `app_metadata`."""
    return tuple(name for name, value in recipe.claims.items() if "{organization}" in str(value))


def in_user_metadata_only(
    recipe: TokenRecipe, org: Organization, *, role: str = "owner"
) -> dict[str, Any]:
    """Claims that name the organization where users themselves can write, and nowhere else."""
    said = {"organization_id": org.id, "role": role}
    left_out: dict[str, Any] = dict.fromkeys(organization_claims(recipe), ABSENT)
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
