"""Unpacking a backend's ZIP without trusting its own sizes and counts."""

import io
import zipfile
import zlib
from collections.abc import Mapping

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""More than any export has: five of the largest files."""

MAX_ENTRIES = 20_000
"""Each takes memory before a byte of it is read."""

_DIRECTORY_ENTRY = b"PK\x01\x02"
_STEP_BYTES = 64 * 1024
_WHAT_ZIPFILE_RAISES = (
    *(zipfile.BadZipFile, zlib.error, EOFError),
    *(OSError, ValueError, OverflowError),  # offsets that lead nowhere
    RuntimeError,  # an encrypted entry; also what is not implemented
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class BadArchive(ValueError):
    """No ZIP, or one that is damaged or a bomb; the message says which."""


def unpacked(body: bytes) -> Mapping[str, bytes]:
    """Give the entries of a ZIP by their name. Raises `BadArchive`.

    A name that is there twice is refused: one of the two would hide the other.
    """
    if body.count(_DIRECTORY_ENTRY) > MAX_ENTRIES:  # the number in the directory may be wrong
        raise BadArchive(f"it has more than {MAX_ENTRIES} entries")
    entries: dict[str, bytes] = {}
    room = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for entry in archive.infolist():
                if entry.filename in entries:
                    raise BadArchive(f"it has {entry.filename!r:.200} twice")
                entries[entry.filename] = _read(archive, entry, room)
                room -= len(entries[entry.filename])
    except BadArchive:
        raise
    except _WHAT_ZIPFILE_RAISES as error:
        raise BadArchive(str(error) or repr(error)) from error
    return entries


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> bytes:
    """Read an entry in steps: in one, an entry of a byte may inflate to gigabytes first."""
    if entry.compress_type not in _METHODS:
        raise BadArchive(f"{entry.filename!r:.200} is neither stored nor deflated")
    if entry.file_size > room:
        raise BadArchive(f"it says that it unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    content = io.BytesIO()
    with archive.open(entry) as stream:
        while step := stream.read(_STEP_BYTES):
            content.write(step)
    return content.getvalue()
