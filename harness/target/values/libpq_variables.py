"""libpq's environment variables: meant for a database of the user's, not for ours.

A CI job has them for its real database. libpq reads them from the process's environment wherever
a connection string leaves something open, so they are set aside in it, under another name that
processes started by this one inherit; a target file can still ask for them by `{env:PGHOST}`.
"""

import os
from collections.abc import Collection, Mapping, MutableMapping

SESSION = frozenset(
    {
        *("PGAPPNAME", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGDATESTYLE", "PGGEQO"),
        *("PGHOSTADDR", "PGLOADBALANCEHOSTS", "PGOPTIONS", "PGSERVICE"),
        *("PGTARGETSESSIONATTRS", "PGTZ"),
    }
)
"""Those that change where a complete DSN leads, or how what is read looks."""

ALL = SESSION | {
    *("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE"),
    *("PGSYSCONFDIR", "PGLOCALEDIR", "PGREQUIREAUTH", "PGCHANNELBINDING", "PGREQUIREPEER"),
    *("PGSSLMODE", "PGREQUIRESSL", "PGSSLNEGOTIATION", "PGSSLCOMPRESSION", "PGSSLCERT"),
    *("PGSSLKEY", "PGSSLCERTMODE", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLSNI"),
    *("PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION", "PGSSLKEYLOGFILE"),
    *("PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION", "PGGSSENCMODE", "PGKRBSRVNAME"),
    *("PGGSSLIB", "PGGSSDELEGATION", "PGREALM", "PGTTY", "PGOAUTHDEBUG", "PGDATA"),
}
"""All of them: no connection to a server of ours needs any."""

_ASIDE = "SHAKEDOWN_SET_ASIDE_"


def set_aside(
    names: Collection[str] = ALL, environment: MutableMapping[str, str] = os.environ
) -> None:
    """Keep these from libpq in this process, and in those that it starts from now on."""
    for name in names:
        if (value := environment.pop(name, None)) is not None:
            environment[_ASIDE + name] = value


def as_given(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Give a variable's value as the user set it, also after it was set aside."""
    return environment.get(name, environment.get(_ASIDE + name))


def without_those(inherited: Mapping[str, str], names: Collection[str] = ALL) -> dict[str, str]:
    """Give an environment without these, and without those that were set aside."""
    return {
        name: value
        for name, value in inherited.items()
        if name not in names and not name.startswith(_ASIDE)
    }
