"""Personas: who sends a request. Users of each role, and clients that must be refused."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from contracts.tenancy.requests.credentials import forged_from, wrongly_signed
from harness.client import Organization, Organizations, TokenRecipe
from harness.client.client import Client
from harness.client.tokens.tokens import ABSENT, claims_of, unsigned
from harness.vocabulary.roles import ROLES

Refusal = Literal[401, 403]
Access = tuple[str | None, Refusal | None]
"""A token, None for no token, and the status that refuses it, None if it is accepted."""

LONG_AGO_S = 24 * 3600

GIVEN = "given"
"""The persona of a token that was given ready-made, with an unknown role."""


@dataclass(frozen=True, kw_only=True)
class Persona:
    """A client of one organization, with or without a token."""

    name: str
    client: Client = field(repr=False)
    refused: Refusal | None
    """The status that refuses this persona everywhere; None for a role that has access."""
    or_unknown: bool = False
    """Whether a 401 refuses it as well: the backend looks its user up, and finds none."""
    is_representative: bool = False
    """Whether it alone sends requests that get the same answer for every role."""

    @property
    def is_read_only(self) -> bool:
        """Whether it may only read."""
        return self.name == "viewer"


def personas(organizations: Organizations, org: Organization) -> dict[str, Persona]:
    """All personas by name; the refused ones claim to be the organization's owner.

    Without the issuer's secret: only the given tokens, and forgeries that do not need it.
    """
    known = _minted if organizations.can_mint else _unminted
    return {
        name: Persona(
            name=name,
            client=organizations.with_token(token),
            refused=refused,
            or_unknown=refused == 403 and not organizations.recipe.names_organization,
            is_representative=name in {"owner", GIVEN},
        )
        for name, (token, refused) in known(organizations, org).items()
    }


def representative(people: Mapping[str, Persona]) -> Persona:
    """The persona that asks for all."""
    return next(one for one in people.values() if one.is_representative)


def writers(people: Mapping[str, Persona]) -> list[Persona]:
    """The personas that may write."""
    return [one for one in people.values() if one.refused is None and not one.is_read_only]


def _unminted(_: Organizations, org: Organization) -> Mapping[str, Access]:
    known = org.tokens if org.is_fresh else {GIVEN: org.tokens[org.roles[0]]}
    forged = forged_from(next(iter(known.values())))
    return {
        **{name: (token, None) for name, token in known.items()},
        "no token": (None, 401),
        **{name: (token, 401) for name, token in forged.items()},
    }


def _minted(organizations: Organizations, org: Organization) -> Mapping[str, Access]:
    recipe = organizations.recipe
    good = claims_of(recipe, user=org.users["owner"], organization=org.id, role="owner")
    in_metadata = in_user_metadata_only(recipe, org)
    expired = good | {"exp": int(time.time()) - LONG_AGO_S}
    return {
        **{role: (org.tokens[role], None) for role in ROLES},
        "no token": (None, 401),
        "expired": (recipe.issue(expired), 401),
        "wrong key": (wrongly_signed(recipe.header, good), 401),
        "alg: none": (unsigned({"alg": "none", "typ": "JWT"}, good), 401),
        "organization only in user_metadata": (recipe.issue(in_metadata), 403),
    }


def organization_claims(recipe: TokenRecipe) -> tuple[str, ...]:
    """The names of the top-level claims with the organization, such as `app_metadata`."""
    return tuple(name for name, value in recipe.claims.items() if "{organization}" in str(value))


def in_user_metadata_only(recipe: TokenRecipe, org: Organization) -> dict[str, Any]:
    """Claims that name the organization only in metadata that users can edit."""
    metadata = {"organization_id": org.id, "role": "owner"}
    removed: dict[str, Any] = dict.fromkeys(organization_claims(recipe), ABSENT)
    known = recipe.names_organization  # else it is looked up: take an unknown user
    return claims_of(
        recipe,
        user=org.users["owner"] if known else str(uuid4()),
        organization=org.id,
        role="owner",
        changes={**removed, "user_metadata": {**metadata, "app_metadata": metadata}},
    )
