"""Users with ready-made tokens: who they are is read from the tokens."""

from dataclasses import dataclass, field

import jwt

from harness.client.dialect.pointers import value_at
from harness.errors import Misconfigured
from harness.target import Target
from harness.target.environment import ENVIRONMENT_TARGETS, name_of
from harness.target.tokens.given_tokens import ORGANIZATIONS_OF, GivenTokens
from harness.untrusted.json_pointers import steps

UNKNOWN = ""
"""The organization of a user of whom neither the token nor the target file says it."""

_DECLARED = {of: name for name, of in ORGANIZATIONS_OF.items()}


@dataclass(frozen=True, kw_only=True)
class GivenUser:
    """One user of the target's `[tokens.given]`."""

    key: str
    """Its key in `[tokens.given]`."""
    id: str
    organization: str
    token: str = field(repr=False)
    job: str | None


def given_users(target: Target, *, may_be_unknown: bool = False) -> tuple[GivenUser, ...]:
    """The users that the target gives tokens of, one for each organization.

    Raises `Misconfigured` for a token that does not say who its user is, for one of which nothing
    says the organization (unless it `may_be_unknown`, for the doctor to find out), and for two
    tokens of one organization, which could show nothing about tenancy.
    """
    given = target.tokens.given
    if given is None:
        return ()
    if given.org_a and given.org_b:
        pairs = [("org_a", given.org_a, given.job_org_a), ("org_b", given.org_b, given.job_org_b)]
    else:
        pairs = [("token", given.token, given.job)]
    users = tuple(
        GivenUser(key=key, token=token.get_secret_value(), job=job, **_who(target, given, key))
        for key, token, job in pairs
    )
    known = [user.organization for user in users if user.organization != UNKNOWN]
    if len(set(known)) < len(known):
        raise Misconfigured(
            f"{name_of(target.file, ('tokens', 'given', 'org_b'))}: expected a token of another "
            f"organization than that of {name_of(target.file, ('tokens', 'given', 'org_a'))}, but "
            f"both are of {known[0]}"
        )
    if not may_be_unknown:
        _refuse_unknown(target, given, users)
    return users


def declared_as(key: str) -> str:
    """Give the key of `[tokens.given]` that says the organization of the token at this one."""
    return _DECLARED[key]


def _who(target: Target, given: GivenTokens, key: str) -> dict[str, str]:
    token = getattr(given, key).get_secret_value()
    try:
        # Only read: whether it is genuine is the backend's business.
        claims = jwt.decode(token, options={"verify_signature": False})
        user = str(claims["sub"])
    except (jwt.InvalidTokenError, KeyError, TypeError) as error:
        raise Misconfigured(
            f"{name_of(target.file, ('tokens', 'given', key))}: expected a JWT with the claim sub, "
            f"but {type(error).__name__}: {error}"
        ) from error
    named = value_at(claims, steps(given.organization_claim))
    found = named if isinstance(named, str | int) and not isinstance(named, bool) else UNKNOWN
    return {"id": user, "organization": getattr(given, _DECLARED[key]) or str(found)}


def _refuse_unknown(target: Target, given: GivenTokens, users: tuple[GivenUser, ...]) -> None:
    problems = []
    for user in users:
        if user.organization == UNKNOWN:
            name = name_of(target.file, ("tokens", "given", user.key))
            way = (
                "a target file can name it: shakedown init writes one"
                if target.file in ENVIRONMENT_TARGETS
                else f'write {_DECLARED[user.key]} = "…" (its id) into [tokens.given], or '
                "organization_claim, if another claim names it; shakedown doctor finds it out"
            )
            problems.append(
                f"{name}: the token has no claim {given.organization_claim} to say which "
                f"organization its user is in; {way}"
            )
    if problems:
        raise Misconfigured("\n".join(problems))
