"""A stored object, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass


class StorageUnavailable(Exception):
    """The storage cannot be used right now (full, gone, not writable): try again later."""


class ObjectMissing(Exception):
    """There is no object at this path."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """An object that is complete and durable."""

    path: str
    size: int
    sha256: str
