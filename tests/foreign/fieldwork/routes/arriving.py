"""A form with a file: received into the bucket, and gone from there if it is refused."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from flask import Request, current_app, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from tests.foreign.fieldwork import filetypes
from tests.foreign.fieldwork.refusals import invalid
from tests.foreign.fieldwork.service import Service

FRAME_BYTES = 64 * 1024
SMALLEST_BYTES = 1
_TEXT_BYTES = 512 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A file that may be filed, and what its client says of it."""

    file: BinaryIO
    file_name: str
    content_type: str
    byte_size: int
    sha256: str
    category: str | None
    step: str | None
    taken_at: datetime | None


class FieldRequest(Request):
    """A request whose files are written to the bucket, and whose form must be whole."""

    max_form_memory_size = _TEXT_BYTES
    received: list[BinaryIO]

    def _get_file_stream(self, *_: object, **__: object) -> BinaryIO:
        service: Service = current_app.extensions["fieldwork"]
        file = service.bucket.receive()
        self.received = [*getattr(self, "received", []), file]
        return file

    def make_form_data_parser(self) -> FormDataParser:
        """werkzeug's own, which does not pass over what it cannot read."""
        return FormDataParser(
            stream_factory=self._get_file_stream,
            max_form_memory_size=self.max_form_memory_size,
            max_content_length=self.max_content_length,
            max_form_parts=self.max_form_parts,
            cls=self.parameter_storage_class,
            silent=False,
        )


def form_limit(max_file_bytes: int) -> int | None:
    """How long a whole form may be."""
    return max_file_bytes + FRAME_BYTES


def forget(files: list[BinaryIO]) -> None:
    """Remove what was received and not kept."""
    for file in files:
        with suppress(OSError):
            file.close()
        Path(file.name).unlink(missing_ok=True)


@contextmanager
def arrival(max_file_bytes: int) -> Iterator[Arrival]:
    """The request's file, for as long as it takes to keep it. Raises `Refusal`."""
    if request.mimetype != "multipart/form-data":
        raise invalid("Send a multipart form.")
    request.max_content_length = form_limit(max_file_bytes)
    try:
        try:
            files, form = request.files, request.form
        except RequestEntityTooLarge as error:
            raise invalid("The file is too large.", 413) from error
        except ValueError as error:
            raise invalid("This form could not be read.") from error
        yield judged(files.get("file"), form.to_dict(), max_file_bytes)
    finally:
        forget(getattr(request, "received", []))


def judged(file: FileStorage | None, form: dict[str, str], max_file_bytes: int) -> Arrival:
    """Look at what was received. Raises `Refusal`."""
    if file is None or not file.filename:
        raise invalid("The form needs a part named file, with a file name.")
    if file.mimetype not in filetypes.EXTENSIONS:
        raise invalid("Files of this type are not taken.")
    stream = cast("BinaryIO", file.stream)
    byte_size, sha256 = measured(stream)
    if byte_size < SMALLEST_BYTES:
        raise invalid("The file is empty.")
    if too_large(byte_size, max_file_bytes):
        raise invalid("The file is too large.", 413)
    stream.seek(0)
    if not filetypes.begins_like(file.mimetype, stream.read(filetypes.HEAD_BYTES)):
        raise invalid("The file is not what its type says.")
    return Arrival(
        file=stream,
        file_name=file.filename,
        content_type=file.mimetype,
        byte_size=byte_size,
        sha256=sha256,
        category=form.get("category"),
        step=form.get("step"),
        taken_at=moment(form.get("takenAt")),
    )


def too_large(byte_size: int, max_file_bytes: int) -> bool:
    """Whether a file is larger than is taken."""
    return byte_size > max_file_bytes


def measured(stream: BinaryIO) -> tuple[int, str]:
    """Size in bytes and SHA-256 in hex of all of it."""
    stream.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(_CHUNK):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def moment(text: str | None) -> datetime | None:
    """A time that a client sent; without a zone it is in UTC. Raises `Refusal`."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise invalid("takenAt must be a time, as in 2026-01-31T08:00:00Z.") from error
