"""The folder where a backend under test keeps its objects, looked at from outside."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.expect import expect
from harness.system import System
from harness.target import Target


@dataclass(frozen=True, kw_only=True)
class StorageFolder:
    """Where the objects of one system are."""

    root: Path
    outside: tuple[Path, ...]
    """Folders where an object that left the root could have landed; only they are looked at."""

    @classmethod
    def of(cls, target: Target, system: System) -> "StorageFolder | None":
        """Give the folder; None where the objects are kept in some other way, or elsewhere."""
        if target.storage is None or system.storage_dir is None:
            return None
        root = system.storage_dir.resolve()
        places = (*root.parents, system.plan.directory)
        return cls(root=root, outside=tuple(dict.fromkeys(places)))

    async def files(self) -> dict[Path, int]:
        """Every file below the root with its size, by its path there."""
        return await asyncio.to_thread(
            lambda: {path.relative_to(self.root): size for path, size in _files(self.root)}
        )

    def expect_object(self, storage_path: str) -> None:
        """Fail unless there is an object inside the folder under this path."""
        path = (self.root / storage_path).resolve()
        expect(
            path.is_relative_to(self.root) and path.is_file(),
            expected="a storage_path that leads to an object inside the storage",
            got=repr(storage_path),
        )

    async def copies(self, content: bytes) -> list[Path]:
        """The files below the root that are exactly these bytes: none where it is encrypted."""

        def find() -> list[Path]:
            found = []
            for path, size in _files(self.root):
                with suppress(OSError):
                    if size == len(content) and path.read_bytes() == content:
                        found.append(path.relative_to(self.root))
            return sorted(found)

        return await asyncio.to_thread(find)

    async def astray(self, marks: Iterable[str]) -> list[Path]:
        """What bears a mark in its name, below the root or right beside the way to it."""
        wanted = tuple(marks)

        def find() -> list[Path]:
            found = {path for path, _ in _files(self.root)}
            for folder in self.outside:
                with suppress(OSError):
                    found.update(folder.iterdir())
            return sorted(path for path in found if any(mark in str(path) for mark in wanted))

        return await asyncio.to_thread(find)


def _files(root: Path) -> Iterator[tuple[Path, int]]:
    for path in root.rglob("*"):
        with suppress(OSError):  # it may be gone by now
            if path.is_file():
                yield path, path.stat().st_size
