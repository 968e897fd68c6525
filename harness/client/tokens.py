"""Minting the tokens of made-up users: what an identity provider would hand out, and forgeries."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

import jwt

from harness.errors import Inconclusive
from harness.target import Target

DIGESTS: Mapping[str, str] = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
"""The hash function of each HMAC algorithm (RFC 7518, section 3.2)."""


class _Absent(Enum):
    ABSENT = auto()


ABSENT: Final = _Absent.ABSENT
"""As the value of a claim: the claim is left out."""


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
    role_names: Mapping[str, str] = field(default_factory=dict)
    """What the claims call a role, by the contract's name."""


def recipe_of(target: Target) -> TokenRecipe:
    """How this target's tokens are minted. `Inconclusive` when they are given ready-made."""
    tokens = target.tokens.mint
    if tokens is None:
        raise Inconclusive(
            "this check makes organizations of its own, and this target has no [tokens.mint] "
            "to make tokens for them with"
        )
    return TokenRecipe(
        secret=tokens.secret.get_secret_value(),
        algorithm=tokens.algorithm,
        audience=tokens.audience,
        issuer=tokens.issuer,
        lifetime_s=tokens.lifetime_s,
        claims=tokens.claims,
        role_names=tokens.role_names,
    )


def mint(recipe: TokenRecipe, *, user: str, organization: str, role: str) -> str:
    """Sign a token for a user of an organization in a role (`owner`, `member`, `viewer`)."""
    claims = claims_of(recipe, user=user, organization=organization, role=role)
    return jwt.encode(claims, recipe.secret, algorithm=recipe.algorithm)


def claims_of(
    recipe: TokenRecipe,
    *,
    user: Any,  # noqa: ANN401 - any JSON value, for tokens that are wrong on purpose
    organization: Any,  # noqa: ANN401
    role: Any,  # noqa: ANN401
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The claims of a token; `changes` replaces whole claims by name, `ABSENT` leaves one out."""
    called = recipe.role_names.get(role, role) if isinstance(role, str) else role
    claims = filled(recipe.claims, {"user": user, "organization": organization, "role": called})
    now = int(time.time())
    claims |= {"iat": now, "exp": int(now + recipe.lifetime_s)}
    if recipe.audience is not None:
        claims["aud"] = recipe.audience
    if recipe.issuer is not None:
        claims["iss"] = recipe.issuer
    claims |= changes or {}
    return {name: value for name, value in claims.items() if value is not ABSENT}


def filled(template: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Copy a JSON template with every `{name}` in its strings replaced.

    A string that is nothing but a placeholder becomes the value itself, of any type; a member
    whose value is `ABSENT` is left out.
    """
    if isinstance(template, str):
        for name, value in values.items():
            placeholder = "{" + name + "}"
            if template == placeholder:
                return value
            template = template.replace(placeholder, str(value))
        return template
    if isinstance(template, Mapping):
        members = {key: filled(value, values) for key, value in template.items()}
        return {key: value for key, value in members.items() if value is not ABSENT}
    if isinstance(template, list | tuple):
        return [filled(value, values) for value in template]
    return template


def signed(header: object, claims: object, *, secret: str | bytes, algorithm: str = "HS256") -> str:
    """A token in the compact form (RFC 7515), whether its header is true or not.

    `header` and `claims` are bytes as they are, or JSON. `algorithm` (one of `DIGESTS`) is the one
    that the signature is really made with.
    """
    message = f"{_part(header)}.{_part(claims)}"
    key = secret if isinstance(secret, bytes) else secret.encode()
    signature = hmac.digest(key, message.encode(), DIGESTS[algorithm])
    return f"{message}.{_part(signature)}"


def unsigned(header: object, claims: object) -> str:
    """A token without a signature, with the dot before it (RFC 7519, section 6)."""
    return f"{_part(header)}.{_part(claims)}."


def _part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
