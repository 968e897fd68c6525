"""Real files of every type that evidence may have: tiny, valid, and no two alike."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from harness.client.samples import documents, films, images

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
    """Makes files that differ from each other; the same generator makes the same files again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._made = 0

    def new(self, mime_type: str = "image/png") -> Sample:
        """Make a file of one of `ALLOWED_TYPES`."""
        extension, make = _MAKERS[mime_type]
        self._made += 1
        note = f"shakedown {self._made} {self._rng.getrandbits(128):032x}".encode()
        return Sample(f"sample-{self._made}{extension}", mime_type, make(note))

    def one_of_each(self) -> Iterator[Sample]:
        """Make a file of every allowed type."""
        return map(self.new, ALLOWED_TYPES)
