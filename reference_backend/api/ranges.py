"""Byte ranges (RFC 9110, section 14): downloads support one range."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class UnsatisfiableRangeError(Exception):
    """The range begins after the last byte."""


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    """The bytes from `start` up to and without `stop`, of `size`."""

    start: int
    stop: int
    size: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """The value of the Content-Range header."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The requested range of a file of `size` bytes.

    None if the header must be ignored: absent, another unit, several ranges (the whole file is a
    valid answer to those), or malformed. Raises UnsatisfiableRangeError.
    """
    if header is None or not (match := _ONE_RANGE.fullmatch(header)):
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), int(last) + 1 if last else size
        if stop <= start and last:
            return None  # "bytes=5-3" is malformed
    elif last:
        start, stop = max(0, size - int(last)), size
    else:
        return None
    if start >= size:
        raise UnsatisfiableRangeError
    return ByteRange(start=start, stop=min(stop, size), size=size)
