"""Bearer tokens: user, organization and role of a request.

Only what the issuer guarantees counts: the signature (only HS256), the audience, the expiry, and
`app_metadata`. `user_metadata` can be edited by users and is never read.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import jwt

from reference_backend.api.identifiers import parse_id
from reference_backend.api.problems import Problem

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_MAX_SUBJECT = 255


class Role(StrEnum):
    """What a member of an organization may do in it."""

    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The user of a request, by its verified token."""

    user_id: str
    organization_id: UUID
    role: Role

    @property
    def may_write(self) -> bool:
        """Viewers only read."""
        return self.role is not Role.VIEWER

    @property
    def claims(self) -> dict[str, Any]:
        """The claims for the database's policies: only trusted ones."""
        return {
            "sub": self.user_id,
            "role": "authenticated",
            "app_metadata": {
                "organization_id": str(self.organization_id),
                "role": self.role.value,
            },
        }


def authenticate(authorization: list[str], *, secret: str, audience: str) -> Principal:
    """The principal of a request with these Authorization headers; raises a 401 or 403 Problem."""
    claims = _verified_claims(_bearer_token(authorization), secret=secret, audience=audience)
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT or "\0" in subject:
        raise _unauthorized("The token's subject is not valid.")
    if claims.get("role") != "authenticated":
        raise Problem("forbidden", "The token's role is not 'authenticated'.")
    metadata = claims.get("app_metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    organization_id = parse_id(metadata.get("organization_id"))
    if organization_id is None:
        raise Problem("no_organization", "The token names no organization in app_metadata.")
    role = metadata.get("role")
    if role not in tuple(Role):
        raise Problem("forbidden", "The token has no valid role in app_metadata.")
    return Principal(user_id=subject, organization_id=organization_id, role=Role(role))


def _bearer_token(authorization: list[str]) -> str:
    if len(authorization) != 1:
        raise _unauthorized("Exactly one Authorization header with a bearer token is needed.")
    scheme, _, token = authorization[0].strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("The Authorization header contains no bearer token.")
    return token.strip()


def _verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=audience,
            options={"require": ["exp", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise _unauthorized("The token has expired.") from error
    # For some claims (an infinite exp, a surrogate in the header) the library raises errors of
    # Python instead of its own; the token is invalid all the same.
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _unauthorized("The token is not valid.") from error
    if isinstance(claims["exp"], bool) or not isinstance(claims["exp"], int | float):
        raise _unauthorized("The token's exp is not a number.")
    return claims


def _unauthorized(detail: str) -> Problem:
    return Problem("invalid_token", detail, headers=_CHALLENGE)
