"""What depends on PostgreSQL's release: how a cluster is initialized, and its settings."""

import re
from collections.abc import Mapping

from harness.errors import Misconfigured

OLDEST, NEWEST = 15, 18
"""15 is the first whose CREATE DATABASE has a STRATEGY, and whose public schema is closed."""

_MAJOR = re.compile(r"\(PostgreSQL\)\s+(\d+)")
_KNOWN_SINCE = {"io_method": 18}
"""Settings of ours that an older server refuses to start with."""


def major_of(printed: str) -> int | None:
    """Read the release from `postgres (PostgreSQL) 17.10 (Debian …)`; None if it is not there."""
    found = _MAJOR.search(printed)
    return int(found[1]) if found else None


def refuse_untried(major: int, what: str) -> None:
    """Raise `Misconfigured` for a release that the harness was never tried on."""
    if not OLDEST <= major <= NEWEST:
        age = "old" if major < OLDEST else "new"
        raise Misconfigured(
            f"{what} is PostgreSQL {major}, which is too {age}: expected {OLDEST} to {NEWEST}; "
            "install one of these beside it, or remove the key to use the built-in one"
        )


def initdb_options(major: int) -> tuple[str, ...]:
    """Give initdb's options for text and for shared memory."""
    # The same order of text on every machine: by code points. Before 17 only the C library has
    # such a locale that knows upper and lower case outside of ASCII, too.
    options = ["--locale-provider=builtin"] if major >= 17 else []
    options += ["--locale=C.UTF-8"]
    # Not in /dev/shm, where a killed initdb leaves it; that of 15 has no option for it.
    options += ["--set=dynamic_shared_memory_type=mmap"] if major >= 16 else []
    return tuple(options)


def known_settings(settings: Mapping[str, str], major: int) -> dict[str, str]:
    """Give those of the harness's settings that a server of this release knows."""
    return {name: value for name, value in settings.items() if _KNOWN_SINCE.get(name, 0) <= major}
