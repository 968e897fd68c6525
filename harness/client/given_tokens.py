"""Users with ready-made tokens: who they are is read from the tokens."""

from dataclasses import dataclass, field

import jwt

from harness.errors import Misconfigured
from harness.target import Target
from harness.target.environment import name_of


@dataclass(frozen=True, kw_only=True)
class GivenUser:
    """One user of the target's `[tokens.given]`."""

    key: str
    """Its key in `[tokens.given]`."""
    id: str
    organization: str
    token: str = field(repr=False)
    job: str | None


def given_users(target: Target) -> tuple[GivenUser, ...]:
    """The users that the target gives tokens of, one for each organization.

    Raises `Misconfigured` for a token without the contract's claims, and for two tokens of one
    organization, which could show nothing about tenancy.
    """
    given = target.tokens.given
    if given is None:
        return ()
    if given.org_a and given.org_b:
        pairs = [("org_a", given.org_a, given.job_org_a), ("org_b", given.org_b, given.job_org_b)]
    else:
        pairs = [("token", given.token, given.job)]
    users = tuple(
        _user(key, name_of(target.file, ("tokens", "given", key)), token.get_secret_value(), job)
        for key, token, job in pairs
    )
    if len({user.organization for user in users}) < len(users):
        raise Misconfigured(
            f"{name_of(target.file, ('tokens', 'given', 'org_b'))}: expected a token of another "
            f"organization than that of {name_of(target.file, ('tokens', 'given', 'org_a'))}, but "
            f"both are of {users[0].organization}"
        )
    return users


def _user(key: str, name: str, token: str, job: str | None) -> GivenUser:
    try:
        # Only read: whether it is genuine is the backend's business.
        claims = jwt.decode(token, options={"verify_signature": False})
        return GivenUser(
            key=key,
            id=str(claims["sub"]),
            organization=str(claims["app_metadata"]["organization_id"]),
            token=token,
            job=job,
        )
    except (jwt.InvalidTokenError, KeyError, TypeError) as error:
        raise Misconfigured(
            f"{name}: expected a JWT with the claims sub and "
            f"app_metadata.organization_id, but {type(error).__name__}: {error}"
        ) from error
