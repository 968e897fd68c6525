"""A copy of PostgreSQL's programs that any user can run: of a virtual environment in /root."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from harness.machine.directories import shared_cache_dir, whole_or_not_at_all


def open_copy(installed: Path, needed: Iterable[str], fingerprint: str) -> Path:
    """Copy what is needed of an installation once; give where the copy is.

    With the libraries in the folder beside its package that the programs of a wheel look in.
    """
    package, names = installed.parent, tuple(needed)
    home = shared_cache_dir() / f"postgres-{fingerprint}"
    copied = home / package.name / installed.name
    if _is_whole(installed, copied, names):
        return copied
    with whole_or_not_at_all(home, lambda: _is_whole(installed, copied, names)) as making:
        for name in names:
            _copy_part(installed / name, making / package.name / installed.name / name)
        libraries = package.with_name(f"{package.name}.libs")
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


def _is_whole(original: Path, copied: Path, needed: Iterable[str]) -> bool:
    for name in needed:
        for path in _files(original / name):
            twin = copied / path.relative_to(original)
            if not twin.is_file() or twin.stat().st_size != path.stat().st_size:
                return False
    return True


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
