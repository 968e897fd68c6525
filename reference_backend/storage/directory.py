"""Immutable objects as files below one directory, which several processes of a host may share.

An object is written under a temporary name, fsynced and renamed, and then its directory is fsynced:
a kill at any moment leaves either the whole object or a temporary file. The writer of a temporary
file holds a lock on it (flock) which ends with its process; a file without a lock is an orphan.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import wraps
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO, Any, ParamSpec, TypeVar

from reference_backend.storage.objects import ObjectMissing, StorageUnavailable, StoredObject

CHUNK_BYTES = 1024 * 1024
LITTER_AGE_S = 24 * 3600.0
STAGING = "staging"
SUFFIX = ".part"

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(blocking: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make a coroutine of a function that blocks, by running it in a thread."""

    @wraps(blocking)
    async def run(*arguments: P.args, **options: P.kwargs) -> T:
        return await asyncio.to_thread(blocking, *arguments, **options)

    return run


class Storage:
    """A store of objects by generated relative paths.

    Every method may raise StorageUnavailable; those that read raise ObjectMissing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / STAGING

    def prepare(self) -> None:
        """Make the directory, once at start; if it vanishes later, that is an outage."""
        with _errors():
            self._staging.mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[StagedObject]:
        """Start an object; unless it is published, nothing is left of it.

        Commit its record inside the block: until its end the object counts as being written.
        """
        staged = StagedObject(self._root, self._staging)
        try:
            await staged.flush()  # makes the file: an outage shows before a client sends anything
            yield staged
        finally:
            # Shielded: a canceled upload must not leave its file behind.
            await asyncio.shield(asyncio.to_thread(staged.close))

    def open(self, path: str) -> BufferedReader:
        """Open an object for reading; call it in a thread."""
        with _errors(self._root):
            return _resolve(self._root, path).open("rb")

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
                with _errors(self._root):
                    chunk = await asyncio.to_thread(file.read, wanted)
                if not chunk:
                    return
                if remaining is not None:
                    remaining -= len(chunk)
                yield chunk
        finally:
            file.close()

    @in_thread
    def size(self, path: str) -> int:
        """Bytes of the object."""
        with _errors(self._root):
            return _resolve(self._root, path).stat().st_size

    @in_thread
    def sha256(self, path: str) -> str:
        """Digest of what is stored right now."""
        with _errors(self._root), self.open(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @in_thread
    def delete(self, path: str) -> None:
        """Remove an object, if it exists."""
        with _errors():
            _resolve(self._root, path).unlink(missing_ok=True)

    @in_thread
    def remove_orphans(self, *, older_than_s: float) -> int:
        """Remove temporary files whose writers have died; returns how many."""
        # The age covers the moment between a file's creation and its lock; the lock decides.
        youngest = time.time() - older_than_s
        removed = 0
        with _errors():
            for path in self._staging.glob(f"*{SUFFIX}"):
                with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                    if os.fstat(file.fileno()).st_mtime > youngest:
                        continue
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    removed += 1
        return removed

    @in_thread
    def recent(self, *, older_than_s: float) -> list[str]:
        """Paths of objects that are older than this, and younger than a day."""
        now = time.time()
        found: list[str] = []
        with _errors():
            for directory, names, files in os.walk(self._root):
                if directory == str(self._root):
                    names.remove(STAGING)
                for file in (Path(directory, name) for name in files):
                    with suppress(FileNotFoundError):
                        if older_than_s < now - file.stat().st_mtime < LITTER_AGE_S:
                            found.append(str(file.relative_to(self._root)))
        return found

    @asynccontextmanager
    async def without_writer(self, path: str) -> AsyncIterator[bool]:
        """Lock an object as its writer does; yields False where its writer, or another, has it."""
        try:
            file = await asyncio.to_thread(self.open, path)
        except ObjectMissing:
            yield False
            return
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another attempt may have put a new file in its place.
                is_free = os.path.samestat(
                    os.fstat(file.fileno()), _resolve(self._root, path).stat()
                )
            except (BlockingIOError, FileNotFoundError):
                is_free = False
            yield is_free
        finally:
            file.close()


class StagedObject:
    """An object being written. No reader can see it before `publish`."""

    def __init__(self, root: Path, staging: Path) -> None:
        self._root = root
        self._path = staging / f"{uuid.uuid4().hex}{SUFFIX}"
        self._digest = hashlib.sha256()
        self._pending = bytearray()
        self.size = 0
        """Bytes written so far."""
        self.published = False
        # One thread at a time: `close` after a cancellation waits for a write that still runs.
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes written so far."""
        digest = self._digest.copy()
        digest.update(self._pending)
        return digest.hexdigest()

    async def write(self, data: bytes) -> None:
        """Append ``data``; small pieces are collected in memory up to a bound."""
        self._pending += data
        self.size += len(data)
        if len(self._pending) >= CHUNK_BYTES:
            await self.flush()

    @in_thread
    def fill(self, write: Callable[[IO[bytes]], T]) -> T:
        """Let ``write`` make the whole object in the file itself, where it may seek."""
        with self._opened() as file:
            result = write(file)
            file.flush()
            file.seek(0)
            self._digest = hashlib.sha256()
            while chunk := file.read(CHUNK_BYTES):
                self._digest.update(chunk)
            self.size = file.tell()
        return result

    @in_thread
    def publish(self, path: str) -> StoredObject:
        """Make the object durable and visible at ``path`` in one step; replaces an older one."""
        target = _resolve(self._root, path)
        self._flush()
        with self._opened() as file:
            os.fsync(file.fileno())
            _make_directory(target.parent)
            self._path.rename(target)
            _fsync_directory(target.parent)
            self.published = True
        return StoredObject(path=path, size=self.size, sha256=self.sha256)

    def close(self) -> None:
        """Release the lock, and remove the file if it was not published."""
        with self._lock:
            if self._file is None:
                return
            with suppress(OSError):
                self._file.close()
            if not self.published:
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        """Pass what was collected to the operating system."""
        with self._opened() as file:
            self._digest.update(self._pending)
            file.write(self._pending)
            self._pending.clear()
            file.flush()

    flush = in_thread(_flush)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """The file, created at its first use, in a thread: a slow disk must not block others."""
        with self._lock, _errors():
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
    """Make ``directory``, and make every new entry on the way durable."""
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
def _errors(existing: Path | None = None) -> Iterator[None]:
    """Report errors as StorageUnavailable, a missing file below an existing root as missing."""
    try:
        yield
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        if missing and existing is not None and existing.is_dir():
            raise ObjectMissing(str(error)) from error
        raise StorageUnavailable(str(error)) from error
