"""Which organization a user is in, and in which role: a table, not the token, says so."""

from typing import Any

import psycopg

from reference_backend.api import auth
from reference_backend.api.problems import Problem

_TABLE = """
CREATE TABLE public.tenants (id uuid PRIMARY KEY, label text NOT NULL);
CREATE TABLE public.profiles (
    user_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES public.tenants (id),
    rank text NOT NULL CHECK (rank IN ('boss', 'clerk', 'guest'))
);
"""
_LOOK_UP = "SELECT tenant_id::text, rank FROM public.profiles WHERE user_id::text = %s"
_ROLES = {"boss": "owner", "clerk": "member", "guest": "viewer"}


def migrate(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(_TABLE)


def trusted(found: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    """What decides about organization and role: what was found, and nothing of the token."""
    return found


def install(url: str) -> None:
    clean = auth._verified_claims
    connection = psycopg.connect(url, autocommit=True)

    def verified_claims(token: str, *, secret: str, audience: str) -> dict[str, Any]:
        claims = clean(token, secret=secret, audience=audience)
        row = connection.execute(_LOOK_UP, [str(claims["sub"]).replace("\0", "")]).fetchone()
        if row is None:
            raise Problem("no_organization", "The user is in no organization.")
        found = {"organization_id": row[0], "role": _ROLES[row[1]]}
        return {**claims, "role": "authenticated", "app_metadata": trusted(found, claims)}

    auth._verified_claims = verified_claims
