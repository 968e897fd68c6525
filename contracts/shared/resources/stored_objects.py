"""Stored objects as files, for checks that search them, or damage and restore their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from harness.errors import Inconclusive
from harness.system import System
from harness.target import Target


class StoredObjects:
    """The objects of one system; an object's `storage_path` is a path below a directory."""

    def __init__(self, directory: Path, outside: Sequence[Path] = ()) -> None:
        self._directory = directory.resolve()
        self._outside = outside

    @classmethod
    def of(cls, system: System, target: Target) -> Self | None:
        """The objects of a system; None where the target does not say where they are stored."""
        if target.storage is None or system.storage_dir is None:
            return None
        parents = system.storage_dir.resolve().parents
        return cls(system.storage_dir, (*parents, system.plan.directory))

    def path(self, storage_path: object) -> Path:
        """The file of an object. `Inconclusive` when there is none where the target says."""
        found = (self._directory / str(storage_path)).resolve()
        if not found.is_relative_to(self._directory) or not found.is_file():
            raise Inconclusive(
                f"no object at {storage_path!r} below the storage directory, although the target "
                'file says [storage] layout = "directory"'
            )
        return found

    def read(self, storage_path: object) -> bytes:
        """Give an object's bytes."""
        return self.path(storage_path).read_bytes()

    def files(self) -> Iterator[Path]:
        """Give the path of every object's file."""
        for path in sorted(self._directory.rglob("*")):
            with suppress(OSError):  # it may be deleted by now
                if path.is_file():
                    yield path

    def contents(self) -> Iterator[bytes]:
        """Give the bytes of every object, without those that vanish meanwhile."""
        for path in self.files():
            with suppress(FileNotFoundError):
                yield path.read_bytes()

    def copies(self, content: bytes) -> int:
        """The number of objects with exactly these bytes: none where they are encrypted."""
        found = 0
        for path in self.files():
            with suppress(FileNotFoundError):
                if path.stat().st_size == len(content):
                    found += path.read_bytes() == content
        return found

    def misplaced(self, mark: str) -> list[Path]:
        """Files with a mark in their path, among the objects or in a folder above or next to it."""
        found = set(self.files())
        for folder in self._outside:
            with suppress(OSError):
                found.update(folder.iterdir())
        return sorted(path for path in found if mark in str(path))

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
