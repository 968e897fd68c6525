"""Stored objects as files, for checks that damage their own objects and restore them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from harness.errors import Inconclusive
from harness.system import System
from harness.target import Target


class StoredObjects:
    """The objects of one system; an object's `storage_path` is a path below a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def of(cls, system: System, target: Target) -> Self | None:
        """The objects of a system; None where the target does not say where they are stored."""
        if target.storage is None or system.storage_dir is None:
            return None
        return cls(system.storage_dir)

    def path(self, storage_path: object) -> Path:
        """The file of an object. `Inconclusive` when there is none where the target says."""
        root = self._directory.resolve()
        found = (root / str(storage_path)).resolve()
        if not found.is_relative_to(root) or not found.is_file():
            raise Inconclusive(
                f"no object at {storage_path!r} below the storage directory, although the target "
                'file says [storage] layout = "directory"'
            )
        return found

    def read(self, storage_path: object) -> bytes:
        """Give an object's bytes."""
        return self.path(storage_path).read_bytes()

    def contents(self) -> Iterator[bytes]:
        """Give the bytes of every object, without those that vanish meanwhile."""
        for path in sorted(self._directory.rglob("*")):
            with suppress(FileNotFoundError, IsADirectoryError):
                yield path.read_bytes()

    @contextmanager
    def damaged(self, storage_path: object, content: bytes | None) -> Iterator[None]:
        """Replace an object's bytes inside the block, or remove it (None); restore it afterwards.

        The file is replaced, not written to: a process that has it open still reads the old bytes.
        """
        path = self.path(storage_path)
        before, mode = path.read_bytes(), path.stat().st_mode
        if content is None:
            path.unlink()
        else:
            _replace(path, content, mode)
        try:
            yield
        finally:
            _replace(path, before, mode)


def _replace(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(f"{path.name}.shakedown")
    fresh.write_bytes(content)
    fresh.chmod(mode)
    fresh.replace(path)
