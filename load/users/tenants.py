"""Whom the users of a load test speak for, and to which instances: told by the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ORGANIZATION_TOKEN = re.compile(r"JWT_ORG_([A-Z]+)")


class NoTenant(Exception):
    """The environment has no token to speak with; the message says which variables to set."""


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One organization of a load test."""

    name: str
    """`A` for `JWT_ORG_A`; `default` for `JWT_TOKEN`."""
    token: str = field(repr=False)
    job_id: str | None = None
    """A job that it has already, for a backend where users cannot make jobs."""


def tenants_of(environment: Mapping[str, str]) -> list[Tenant]:
    """Give every `JWT_ORG_<X>` with its `JOB_ID_ORG_<X>`, else `JWT_TOKEN` with `JOB_ID`.

    Raises `NoTenant` when there is no token at all.
    """
    tenants = [
        Tenant(
            name=match[1],
            token=environment[match[0]],
            job_id=environment.get(f"JOB_ID_ORG_{match[1]}") or None,
        )
        for match in map(_ORGANIZATION_TOKEN.fullmatch, sorted(environment))
        if match and environment[match[0]]
    ]
    if not tenants and (token := environment.get("JWT_TOKEN")):
        tenants = [Tenant(name="default", token=token, job_id=environment.get("JOB_ID") or None)]
    if not tenants:
        raise NoTenant(
            "no token in the environment: set JWT_ORG_A, JWT_ORG_B, … or JWT_TOKEN "
            "(`shakedown up` prints them)"
        )
    return tenants


def base_urls_of(environment: Mapping[str, str]) -> list[str]:
    """Give the instances in `BACKEND_URLS` (blanks between them), else `BACKEND_URL`, else none."""
    urls = environment.get("BACKEND_URLS") or environment.get("BACKEND_URL") or ""
    return [url.rstrip("/") for url in urls.split()]
