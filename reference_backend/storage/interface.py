"""What the backend asks of an object store. A directory implements it; S3 would fit as well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import IO, Protocol, TypeVar

T = TypeVar("T")


class StorageUnavailable(Exception):
    """The store cannot be used right now (full, gone, not writable): try again later."""


class ObjectMissing(Exception):
    """There is no object at this path."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """An object that is complete and durable."""

    path: str
    size: int
    sha256: str


class StagedObject(Protocol):
    """An object being written. Nobody can see it before `publish`."""

    async def write(self, data: bytes) -> None:
        """Append ``data``; raises StorageUnavailable."""

    @property
    def size(self) -> int:
        """Bytes written so far."""

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes written so far."""

    async def fill(self, write: Callable[[IO[bytes]], T]) -> T:
        """Let ``write`` make the whole object, in a thread, in a file where it may seek.

        Returns what ``write`` returns; raises what it raises, and StorageUnavailable.
        """

    async def publish(self, path: str) -> StoredObject:
        """Make the object durable and visible at ``path``, whole, in one step.

        An object that is there already is replaced. Raises StorageUnavailable.
        """


class Storage(Protocol):
    """A store of immutable objects, addressed by generated relative paths."""

    def stage(self) -> AbstractAsyncContextManager[StagedObject]:
        """Start an object; raises StorageUnavailable.

        Leaving the context without `publish` leaves nothing behind.
        """

    def open(self, path: str) -> IO[bytes]:
        """Open an object for reading in a thread; raises ObjectMissing or StorageUnavailable."""

    async def size(self, path: str) -> int:
        """Bytes of the object; raises ObjectMissing or StorageUnavailable."""

    def read(self, path: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The object's bytes in chunks; raises ObjectMissing or StorageUnavailable."""

    async def sha256(self, path: str) -> str:
        """Digest of what is stored right now; raises ObjectMissing or StorageUnavailable."""

    async def delete(self, path: str) -> None:
        """Remove an object; one that is not there is removed already."""

    async def check(self) -> None:
        """Raise StorageUnavailable unless an object could be written now."""

    async def remove_orphans(self, *, older_than_s: float) -> int:
        """Remove what writers that died left unfinished; how many. Safe beside living writers."""
