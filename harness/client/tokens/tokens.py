"""Minting the tokens of made-up users: what an identity provider would hand out, and forgeries."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from harness.errors import Inconclusive, Misconfigured
from harness.signing.algorithms import DIGESTS
from harness.signing.signing_key import SigningKey
from harness.target import Target


class _Absent(Enum):
    ABSENT = auto()


ABSENT: Final = _Absent.ABSENT
"""As the value of a claim: the claim is left out."""


@dataclass(frozen=True, kw_only=True)
class TokenRecipe:
    """How this backend's tokens are made."""

    secret: str = field(default="", repr=False)
    """What both sides know; empty for an algorithm with a key pair."""
    key: SigningKey | None = None
    """The key pair of an algorithm that has one."""
    algorithm: str
    audience: str | None
    issuer: str | None
    lifetime_s: float
    claims: Mapping[str, Any]
    """A template: `{user}`, `{organization}` and `{role}` are filled in, at any depth."""
    role_names: Mapping[str, str] = field(default_factory=dict)
    """What the claims call a role, by the contract's name."""
    kid: str | None = None
    database_claims: Mapping[str, Any] | None = None
    """A template of what the API sets for a request in SQL; None: the token's claims."""

    @property
    def sql_claims(self) -> Mapping[str, Any]:
        """The template of the claims that SQL sees in a request."""
        return self.claims if self.database_claims is None else self.database_claims

    @property
    def header(self) -> dict[str, str]:
        """The header of a genuine token."""
        named = {} if self.kid is None else {"kid": self.kid}
        return {"alg": self.algorithm, "typ": "JWT", **named}

    @property
    def names_organization(self) -> bool:
        """Whether the claims name the organization; else the backend looks it up."""
        return mentions(self.claims, "organization")

    @property
    def names_role(self) -> bool:
        """Whether the claims name the role; else the backend looks it up."""
        return mentions(self.claims, "role")

    def issue(self, claims: object, header: object = None) -> str:
        """A token with any claims, and any header, signed as the issuer does."""
        header = self.header if header is None else header
        if self.key is None:
            return signed(header, claims, secret=self.secret, algorithm=self.algorithm)
        return signed_by(self.key, header, claims)


def recipe_of(target: Target) -> TokenRecipe:
    """How this target's tokens are minted. `Inconclusive` when they are given ready-made."""
    tokens = target.tokens.mint
    if tokens is None:
        raise Inconclusive(
            "this check makes organizations of its own, and this target has no [tokens.mint] "
            "to make tokens for them with"
        )
    key = target.signing_key
    if key is None and not tokens.is_symmetric:
        raise Misconfigured(
            f'[tokens.mint] algorithm = "{tokens.algorithm}": the key pair of the run is made when '
            "its system is launched; use the system's target"
        )
    return TokenRecipe(
        secret=tokens.secret.get_secret_value() if tokens.secret else "",
        key=key,
        algorithm=tokens.algorithm,
        audience=tokens.audience,
        issuer=tokens.issuer,
        lifetime_s=tokens.lifetime_s,
        claims=tokens.claims,
        role_names=tokens.role_names,
        kid=key.key_id if key else tokens.kid,
        database_claims=target.tokens.tenants.sql_claims if target.tokens.tenants else None,
    )


def mint(recipe: TokenRecipe, *, user: str, organization: str, role: str) -> str:
    """Sign a token for a user of an organization in a role (`owner`, `member`, `viewer`)."""
    claims = claims_of(recipe, user=user, organization=organization, role=role)
    return recipe.issue(claims)


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


def mentions(template: Any, name: str) -> bool:  # noqa: ANN401 - JSON
    """Whether a JSON template has the placeholder `{name}` in one of its strings."""
    if isinstance(template, str):
        return "{" + name + "}" in template
    if isinstance(template, Mapping):
        return any(mentions(each, name) for each in template.values())
    return isinstance(template, list | tuple) and any(mentions(each, name) for each in template)


def signed_by(key: SigningKey, header: object, claims: object) -> str:
    """A token in the compact form, signed with a private key, whatever its header says."""
    message = f"{_part(header)}.{_part(claims)}"
    return f"{message}.{_part(key.sign(message.encode()))}"


def signed(header: object, claims: object, *, secret: str | bytes, algorithm: str = "HS256") -> str:
    """A token in the compact form (RFC 7515), whether its header is true or not.

    `header` and `claims` are bytes as they are, or JSON. `algorithm` (one of `DIGESTS`) is the one
    that the signature is really made with.
    """
    message = f"{_part(header)}.{_part(claims)}"
    key = secret if isinstance(secret, bytes) else secret.encode()
    signature = hmac.digest(key, message.encode(), DIGESTS[algorithm])
    return f"{message}.{_part(signature)}"


def with_signature(token: str, signature: bytes) -> str:
    """The same token with another signature."""
    return f"{token.rpartition('.')[0]}.{_part(signature)}"


def unsigned(header: object, claims: object) -> str:
    """A token without a signature, with the dot before it (RFC 7519, section 6)."""
    return f"{_part(header)}.{_part(claims)}."


def _part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
