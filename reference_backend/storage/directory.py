"""Objects as files below one directory, which may be shared by several processes of one host.

An object is written under a temporary name, fsynced and renamed, and then its directory is fsynced:
a kill at any moment leaves either the whole object or a temporary file. The writer of a temporary
file holds a lock on it (flock) which ends with its process; what nobody holds is an orphan.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from reference_backend.storage.interface import ObjectMissing, StorageUnavailable, StoredObject

CHUNK_BYTES = 1024 * 1024
STAGING = "staging"
SUFFIX = ".part"

T = TypeVar("T")


class DirectoryStorage:
    """See `reference_backend.storage.interface.Storage`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / STAGING

    def prepare(self) -> None:
        """Make the directory, once at start; one that vanishes later is an outage."""
        with _writing():
            self._staging.mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[StagedFile]:
        """Start an object; without `publish` nothing is left of it."""
        staged = StagedFile(self._root, self._staging)
        try:
            await staged.flush()  # makes the file: an outage shows before a client sends anything
            yield staged
        finally:
            if not staged.published:
                # Shielded: an upload that is canceled must not leave its file behind.
                await asyncio.shield(asyncio.to_thread(staged.discard))

    def open(self, path: str) -> BufferedReader:
        """Open an object for reading, in a thread."""
        with _reading(self._root):
            return _resolve(self._root, path).open("rb")

    async def size(self, path: str) -> int:
        """Bytes of the object."""
        return await asyncio.to_thread(self._size, path)

    async def read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """The object's bytes from ``start`` on, in chunks."""
        file = await asyncio.to_thread(self.open, path)
        try:
            await asyncio.to_thread(file.seek, start)
            remaining = length
            while remaining is None or remaining > 0:
                wanted = CHUNK_BYTES if remaining is None else min(CHUNK_BYTES, remaining)
                with _reading(self._root):
                    chunk = await asyncio.to_thread(file.read, wanted)
                if not chunk:
                    return
                if remaining is not None:
                    remaining -= len(chunk)
                yield chunk
        finally:
            file.close()

    async def sha256(self, path: str) -> str:
        """Digest of what is stored right now."""
        return await asyncio.to_thread(self._sha256, path)

    async def delete(self, path: str) -> None:
        """Remove an object, if it is there."""
        await asyncio.to_thread(self._delete, path)

    async def check(self) -> None:
        """Raise StorageUnavailable unless an object could be written now."""
        async with self.stage() as staged:
            await staged.write(b"\0")
            await staged.flush()

    async def remove_orphans(self, *, older_than_s: float) -> int:
        """Remove temporary files that nobody writes; how many."""
        return await asyncio.to_thread(self._remove_orphans, older_than_s)

    def _size(self, path: str) -> int:
        with _reading(self._root):
            return _resolve(self._root, path).stat().st_size

    def _sha256(self, path: str) -> str:
        with _reading(self._root), self.open(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _delete(self, path: str) -> None:
        with _writing():
            _resolve(self._root, path).unlink(missing_ok=True)

    def _remove_orphans(self, older_than_s: float) -> int:
        # The age covers the moment between a file's creation and its lock; the lock is what counts.
        youngest = time.time() - older_than_s
        removed = 0
        with _writing():
            for path in self._staging.glob(f"*{SUFFIX}"):
                with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                    if os.fstat(file.fileno()).st_mtime > youngest:
                        continue
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    removed += 1
        return removed


class StagedFile:
    """See `reference_backend.storage.interface.StagedObject`."""

    def __init__(self, root: Path, staging: Path) -> None:
        self._root = root
        self._path = staging / f"{uuid.uuid4().hex}{SUFFIX}"
        self._digest = hashlib.sha256()
        self._pending = bytearray()
        self._size = 0
        self.published = False
        # One thread at a time: `discard` after a cancellation waits for a write that still runs.
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes written so far."""
        digest = self._digest.copy()
        digest.update(self._pending)
        return digest.hexdigest()

    async def write(self, data: bytes) -> None:
        """Append ``data``; small pieces are gathered in memory up to a bound."""
        self._pending += data
        self._size += len(data)
        if len(self._pending) >= CHUNK_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Hand what was gathered to the operating system."""
        await asyncio.to_thread(self._flush)

    async def fill(self, write: Callable[[IO[bytes]], T]) -> T:
        """Let ``write`` make the whole object in the file itself."""
        return await asyncio.to_thread(self._fill, write)

    async def publish(self, path: str) -> StoredObject:
        """Make the object durable and visible at ``path``."""
        await asyncio.to_thread(self._publish, _resolve(self._root, path))
        return StoredObject(path=path, size=self.size, sha256=self.sha256)

    def discard(self) -> None:
        """Close the file and remove it."""
        with self._lock:
            if self._file is None:
                return
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        with self._opened() as file:
            self._digest.update(self._pending)
            file.write(self._pending)
            self._pending.clear()
            file.flush()

    def _fill(self, write: Callable[[IO[bytes]], T]) -> T:
        with self._opened() as file:
            result = write(file)
            # It may have gone back and forth: what is there now is read again.
            file.flush()
            file.seek(0)
            self._digest = hashlib.sha256()
            while chunk := file.read(CHUNK_BYTES):
                self._digest.update(chunk)
            self._size = file.tell()
        return result

    def _publish(self, target: Path) -> None:
        self._flush()
        with self._opened() as file:
            os.fsync(file.fileno())
            _make_directory(target.parent)
            self._path.rename(target)
            _fsync_directory(target.parent)
            file.close()
            self.published = True

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """The file, made at its first use, in a thread: a slow disk holds up nobody else."""
        with self._lock, _writing():
            if self._file is None:
                self._file = self._path.open("x+b")
                fcntl.flock(self._file, fcntl.LOCK_EX)
            yield self._file


def _resolve(root: Path, path: str) -> Path:
    """Where the object is. Paths are generated: one that leaves the root is a bug or an attack."""
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or parts[0] in {"/", STAGING}:
        raise ObjectMissing(path)
    return root.joinpath(*parts)


def _make_directory(directory: Path) -> None:
    """Make ``directory``, and every new entry on the way durable."""
    if directory.is_dir():
        return
    _make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    _fsync_directory(directory.parent)


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing() -> Iterator[None]:
    """Whatever keeps us from writing is an outage."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(str(error)) from error


@contextmanager
def _reading(root: Path) -> Iterator[None]:
    """A file that is not there is missing, unless the whole store is gone."""
    try:
        yield
    except FileNotFoundError as error:
        if root.is_dir():
            raise ObjectMissing(str(error)) from error
        raise StorageUnavailable(str(error)) from error
    except OSError as error:
        raise StorageUnavailable(str(error)) from error
