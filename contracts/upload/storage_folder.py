"""The folder of a backend's stored objects, searched for copies and misplaced files."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.expect import expect
from harness.system import System
from harness.target import Target


@dataclass(frozen=True, kw_only=True)
class StorageFolder:
    """The folder of one system's objects."""

    root: Path
    outside: tuple[Path, ...]
    """Folders where a file that left the root could be; only these are searched."""

    @classmethod
    def of(cls, target: Target, system: System) -> "StorageFolder | None":
        """Give the folder; None where the objects are stored in another way."""
        if target.storage is None or system.storage_dir is None:
            return None
        root = system.storage_dir.resolve()
        return cls(root=root, outside=(*root.parents, system.plan.directory))

    async def files(self) -> set[Path]:
        """Every file below the root, by its path there."""
        paths = await asyncio.to_thread(lambda: list(_files(self.root)))
        return {path.relative_to(self.root) for path in paths}

    def expect_object(self, storage_path: str) -> None:
        """Fail unless there is an object inside the folder under this path."""
        path = (self.root / storage_path).resolve()
        expect(
            path.is_relative_to(self.root) and path.is_file(),
            expected="storage_path of an object inside the storage",
            got=repr(storage_path),
        )

    async def copies(self, content: bytes) -> list[Path]:
        """The files below the root with exactly these bytes: none where they are encrypted."""

        def find() -> Iterator[Path]:
            for path in _files(self.root):
                with suppress(OSError):
                    if path.stat().st_size == len(content) and path.read_bytes() == content:
                        yield path.relative_to(self.root)

        return await asyncio.to_thread(lambda: sorted(find()))

    async def misplaced(self, mark: str) -> list[Path]:
        """Files with a mark in their path, below the root or in a folder next to it."""

        def find() -> Iterator[Path]:
            yield from _files(self.root)
            for folder in self.outside:
                with suppress(OSError):
                    yield from folder.iterdir()

        return await asyncio.to_thread(lambda: sorted({one for one in find() if mark in str(one)}))


def _files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        with suppress(OSError):  # it may be deleted by now
            if path.is_file():
                yield path
