"""Real files of every type that evidence may have: tiny, valid, and no two alike in any run."""

import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from harness.client.samples import documents, films, images

_STRETCH = 64 * 1024 - 8
"""Bytes between two numbers in a large sample."""

Maker = Callable[[bytes], bytes]

_MAKERS: dict[str, tuple[str, Maker]] = {
    "image/jpeg": (".jpg", images.jpeg),
    "image/png": (".png", images.png),
    "image/gif": (".gif", images.gif),
    "image/webp": (".webp", images.webp),
    "application/pdf": (".pdf", documents.pdf),
    "video/mp4": (".mp4", films.mp4),
    "video/quicktime": (".mov", films.quicktime),
    "application/msword": (".doc", documents.msword),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (
        ".docx",
        documents.docx,
    ),
}

ALLOWED_TYPES: tuple[str, ...] = tuple(_MAKERS)
"""The nine media types that the contract allows for evidence."""


@dataclass(frozen=True)
class Sample:
    """A file to upload."""

    file_name: str
    mime_type: str
    content: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """The digest of the content in hex."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        return len(self.content)


class Samples:
    """Makes files that differ from each other, and from those of every other run.

    A backend may have kept what an earlier run with the same seed uploaded. `repeatable` is for
    files whose uploads no verdict depends on: the same generator makes the same ones again.
    """

    def __init__(self, rng: random.Random, *, repeatable: bool = False) -> None:
        self._rng = rng
        self._repeatable = repeatable
        self._made = 0

    def new(self, mime_type: str = "image/png") -> Sample:
        """Make a file of one of `ALLOWED_TYPES`."""
        extension, make = _MAKERS[mime_type]
        self._made += 1
        return Sample(f"sample-{self._made}{extension}", mime_type, make(self._note()))

    def carrying(self, payload: bytes, mime_type: str = "image/png") -> Sample:
        """Make a sound PNG or MP4 that has these bytes, whatever they are, inside it."""
        return self._carrying(self.new(mime_type).file_name, payload, mime_type, self._note())

    def of_size(self, size: int, mime_type: str = "image/png") -> Sample:
        """Make a sound PNG or MP4 of exactly so many bytes, no two 64 KiB of it alike.

        `ValueError` where it cannot be that small.
        """
        name, note = self.new(mime_type).file_name, self._note()
        room = size - self._carrying(name, b"", mime_type, note).size
        if room < 0:
            raise ValueError(f"the smallest {mime_type} here has {size - room} bytes, not {size}")
        block = self._rng.randbytes(min(room, _STRETCH))
        payload = b"".join(
            number.to_bytes(8) + block for number in range(room // (len(block) + 8) + 1)
        )
        return self._carrying(name, payload[:room], mime_type, note)

    def _note(self) -> bytes:
        # Of the same length in every run, so that sizes are a function of the seed.
        number = self._rng.getrandbits(128) if self._repeatable else uuid.uuid4().int
        return f"shakedown {self._made} {number:032x}".encode()

    @staticmethod
    def _carrying(name: str, payload: bytes, mime_type: str, note: bytes) -> Sample:
        make = {"image/png": images.png, "video/mp4": films.mp4}[mime_type]
        return Sample(name, mime_type, make(note, payload))

    def one_of_each(self) -> Iterator[Sample]:
        """Make a file of every allowed type."""
        return map(self.new, ALLOWED_TYPES)
