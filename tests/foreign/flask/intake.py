"""A multipart form, read as it comes: the file goes to disk and is measured on the way."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from tests.foreign.flask import filetypes
from tests.foreign.flask.refusals import Refusal, bad_request

FRAME_BYTES = 64 * 1024  # what a form may hold besides its file
_CHUNK = 64 * 1024
_TEXT_CHARACTERS = 200
_TEXTS = ("label", "stage", "taken_at")
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(kw_only=True)
class Arrival:
    """What has come of a form so far; complete once `receive` returns it."""

    path: Path
    name: str | None = None
    media_type: str = ""
    size: int = 0
    head: bytes = b""
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The digest of the file, in hex."""
        return self.digest.hexdigest()


def too_big(limit: int) -> Refusal:
    """The file, or the whole form, crosses the limit."""
    return Refusal(413, "too_big", f"A file may have {limit} bytes.")


def receive(
    stream: IO[bytes], boundary: bytes, path: Path, limit: int, still_coming: Callable[[], None]
) -> Arrival:
    """Read the form and write its file to `path`.

    `limit` is the file's, in bytes. `still_coming` is called with every piece that came. Raises
    `Refusal` for what is no such form, a broken one, or a file that is not taken; what was written
    by then is left at `path`.
    """
    arrival = Arrival(path=path)
    try:
        with path.open("wb") as file:
            _read_parts(stream, boundary, arrival, file, limit, still_coming)
            file.flush()
            os.fsync(file.fileno())
    except RequestEntityTooLarge as error:
        raise too_big(limit) from error
    except ClientDisconnected as error:
        raise broken("it ended early") from error
    except (ValueError, LookupError) as error:
        raise broken(str(error)) from error
    require_file(arrival)
    if not filetypes.fits(arrival.media_type, arrival.head, arrival.name or ""):
        raise Refusal(415, "not_that_type", f"The bytes are not those of {arrival.media_type}.")
    return arrival


def broken(why: str) -> Refusal:
    """The form cannot be read."""
    return Refusal(400, "broken_form", f"The form cannot be read: {why}.")


def require_file(arrival: Arrival) -> None:
    """Refuse a form without a file, or with one of no bytes."""
    if arrival.name is None:
        raise Refusal(400, "no_file", "The form needs a part named file with a file name.")
    if arrival.size == 0:
        raise Refusal(400, "empty_file", "The file has no bytes.")


def _read_parts(
    stream: IO[bytes],
    boundary: bytes,
    arrival: Arrival,
    file: BinaryIO,
    limit: int,
    still_coming: Callable[[], None],
) -> None:
    decoder = MultipartDecoder(boundary, max_form_memory_size=4 * _CHUNK, max_parts=20)
    part: str | None = None
    collected = bytearray()
    while True:
        event = next_event(decoder)
        match event:
            case NeedData():
                piece = stream.read(_CHUNK)
                still_coming()
                decoder.receive_data(piece or None)
            case File(name="file"):
                part = "file"
                begin_file(arrival, event)
            case Field() | File():
                part = event.name
                collected.clear()
            case Data() if part == "file" and arrival.name is not None:
                take(arrival, event.data, file, limit)
            case Data():
                collected += event.data
                if len(collected) > FRAME_BYTES:
                    raise bad_request(f"The part {part!r} is too long.")
                if not event.more_data and part in _TEXTS:
                    arrival.texts[part] = text(part, bytes(collected))
            case Epilogue():
                return


def next_event(decoder: MultipartDecoder) -> object:
    """What comes next. Raises `ValueError` where the form ends before its last boundary."""
    return decoder.next_event()


def begin_file(arrival: Arrival, part: File) -> None:
    """Look at the headers of the file's part before its bytes are read."""
    if arrival.name is not None:
        raise bad_request("One file at a time.")
    if not part.filename:
        raise Refusal(400, "no_file", "The part named file needs a file name.")
    if "\0" in part.filename:
        raise bad_request("A file name holds no NUL.")
    arrival.name = part.filename
    arrival.media_type = filetypes.plain(part.headers.get("content-type", ""))
    if not filetypes.taken(arrival.media_type):
        raise Refusal(415, "type_refused", f"Files of type {arrival.media_type!r} are not taken.")


def take(arrival: Arrival, piece: bytes, file: BinaryIO, limit: int) -> None:
    """One more piece of the file. Raises a 413 `Refusal` once it is too large."""
    arrival.size += len(piece)
    if arrival.size > limit:
        raise too_big(limit)
    arrival.digest.update(piece)
    if len(arrival.head) < filetypes.HEAD_BYTES:
        arrival.head = (arrival.head + piece)[: filetypes.HEAD_BYTES]
    file.write(piece)


def text(name: str, raw: bytes) -> str:
    """A text of the form. Raises a 400 `Refusal` where it is none, or no time where one belongs."""
    try:
        value = raw.decode()
    except UnicodeDecodeError as error:
        raise bad_request(f"{name} is not UTF-8.") from error
    if len(value) > _TEXT_CHARACTERS or "\0" in value:
        raise bad_request(f"{name} has at most {_TEXT_CHARACTERS} characters and no NUL.")
    return in_utc(value) if name == "taken_at" else value


def in_utc(value: str) -> str:
    """A time of RFC 3339, in UTC. Raises a 400 `Refusal` for anything else."""
    try:
        if not _RFC_3339.fullmatch(value):
            raise ValueError(value)
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise bad_request("taken_at must be a time of RFC 3339 with an offset.") from error
    return moment.replace(tzinfo=None).isoformat() + "Z"
