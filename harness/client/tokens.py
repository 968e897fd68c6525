"""Minting the tokens of made-up users: what an identity provider would hand out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt


@dataclass(frozen=True, kw_only=True)
class TokenRecipe:
    """How this backend's tokens are made."""

    secret: str = field(repr=False)
    algorithm: str
    audience: str | None
    issuer: str | None
    lifetime_s: float
    claims: Mapping[str, Any]
    """A template: `{user}`, `{organization}` and `{role}` are filled in, at any depth."""


def mint(recipe: TokenRecipe, *, user: str, organization: str, role: str) -> str:
    """Sign a token for a user of an organisation in a role (`owner`, `member`, `viewer`)."""
    claims = filled(recipe.claims, {"user": user, "organization": organization, "role": role})
    now = int(time.time())
    claims |= {"iat": now, "exp": int(now + recipe.lifetime_s)}
    if recipe.audience is not None:
        claims["aud"] = recipe.audience
    if recipe.issuer is not None:
        claims["iss"] = recipe.issuer
    return jwt.encode(claims, recipe.secret, algorithm=recipe.algorithm)


def filled(template: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Copy a JSON template with every `{name}` in its strings replaced."""
    if isinstance(template, str):
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return template
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled(value, values) for value in template]
    return template
