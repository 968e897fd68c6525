"""The form of an upload, received in chunks: the file goes to storage while it is received.

Only one chunk and the short text fields are kept in memory.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from reference_backend.api import bodies, problems
from reference_backend.api.file_types import ALLOWED, Inspection
from reference_backend.api.multipart import MalformedMultipartError, MultipartParser, Part
from reference_backend.api.problems import Problem
from reference_backend.storage.directory import StagedObject

FRAME_ALLOWANCE = 64 * 1024
"""Bytes of a body besides the file: boundaries, headers, text fields."""
MAX_TEXT = 200
MAX_FILE_NAME = 255
_MAX_FIELD_BYTES = 4 * MAX_TEXT
_TEXT_FIELDS = frozenset({"tag", "phase", "captured_at"})
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, kw_only=True)
class UploadForm:
    """The fields of the form; the file's bytes are in the staged object."""

    file_name: str
    mime_type: str
    tag: str | None
    phase: str | None
    captured_at: datetime | None


async def receive(
    request: web.Request, boundary: bytes, staged: StagedObject, *, max_bytes: int
) -> UploadForm:
    """Read the body to its end, the file into `staged`; raises 400, 413, 415 and 422 Problems.

    An invalid form is refused as soon as the received bytes show it.
    """
    reader = _FormReader(boundary, staged, max_bytes)
    received = 0
    try:
        async for chunk in bodies.chunks_of(request):
            received += len(chunk)
            if received > max_bytes + FRAME_ALLOWANCE:
                raise too_large(max_bytes)
            await reader.feed(chunk)
        return reader.finish()
    except MalformedMultipartError as error:
        raise Problem("malformed_multipart", f"The body is malformed: {error}.") from error
    except bodies.BrokenBodyError as error:
        raise Problem("malformed_multipart", f"The body cannot be read: {error}.") from error


def too_large(max_bytes: int) -> Problem:
    """The 413 of uploads."""
    return Problem("too_large", f"A file may have at most {max_bytes} bytes.")


class _FormReader:
    """Reads one form."""

    def __init__(self, boundary: bytes, staged: StagedObject, max_bytes: int) -> None:
        self._parser = MultipartParser(boundary)
        self._staged = staged
        self._max_bytes = max_bytes
        self._field: str | None = None  # the current part; None between parts and in unknown ones
        self._file_name = ""
        self._inspection: Inspection | None = None
        self._texts: dict[str, bytes] = {}

    async def feed(self, chunk: bytes) -> None:
        for event in self._parser.feed(chunk):
            match event:
                case Part():
                    self._begin(event)
                case bytes() if self._field == "file":
                    await self._store(event)
                case bytes() if self._field is not None:
                    self._keep(self._field, event)
                case None:
                    self._field = None

    def finish(self) -> UploadForm:
        self._parser.finish()
        if self._inspection is None:
            raise Problem("file_missing", "The form needs a part 'file' with a file name.")
        if self._staged.size == 0:
            raise Problem("file_empty", "The file is empty.")
        _require_match(self._inspection, complete=True)
        captured_at = self._text("captured_at")
        return UploadForm(
            file_name=self._file_name,
            mime_type=self._inspection.mime_type,
            tag=self._text("tag"),
            phase=self._text("phase"),
            captured_at=None if captured_at is None else parse_time(captured_at, "captured_at"),
        )

    def _begin(self, part: Part) -> None:
        self._field = part.name if part.name in {"file", *_TEXT_FIELDS} else None
        if part.name in self._texts or (part.name == "file" and self._inspection):
            raise problems.invalid(part.name, "must be given only once")
        if part.name == "file":
            self._begin_file(part)
        elif self._field:
            self._texts[self._field] = b""

    def _begin_file(self, part: Part) -> None:
        if not part.file_name:
            raise Problem("file_missing", "The part 'file' has no file name.")
        bodies.require_text(part.file_name, "file", max_length=MAX_FILE_NAME)
        if any(ord(character) < 0x20 or ord(character) == 0x7F for character in part.file_name):
            raise problems.invalid("file", "the file name must not contain control characters")
        if part.content_type is None or part.content_type not in ALLOWED:
            raise Problem(
                "unsupported_type",
                f"Evidence of type {part.content_type or '(none given)'} is not accepted; "
                f"accepted are {', '.join(ALLOWED)}.",
            )
        self._file_name = part.file_name
        self._inspection = Inspection(part.content_type)

    async def _store(self, data: bytes) -> None:
        if self._staged.size + len(data) > self._max_bytes:
            raise too_large(self._max_bytes)
        if self._inspection is not None:
            self._inspection.feed(data)
            _require_match(self._inspection, complete=False)
        await self._staged.write(data)

    def _keep(self, field: str, data: bytes) -> None:
        self._texts[field] += data
        if len(self._texts[field]) > _MAX_FIELD_BYTES:
            raise problems.invalid(field, f"must have at most {MAX_TEXT} characters")

    def _text(self, field: str) -> str | None:
        value = self._texts.get(field)
        if value is None:
            return None
        try:
            return bodies.require_text(value.decode("utf-8"), field, max_length=MAX_TEXT)
        except UnicodeDecodeError as error:
            raise problems.invalid(field, "must be UTF-8") from error


def _require_match(inspection: Inspection, *, complete: bool) -> None:
    if not inspection.matches(complete=complete):
        raise Problem("content_mismatch", f"The file's content is not {inspection.mime_type}.")


def parse_time(text: str, field: str) -> datetime:
    """An RFC 3339 time with an offset, as UTC; raises a 400 Problem.

    A leap second becomes the next second, and fractions are cut to microseconds: the database
    supports neither.
    """
    message = "must be an RFC 3339 time with an offset, such as 2031-05-07T09:30:00Z"
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise problems.invalid(field, message)
    day, minute, second, fraction, offset = match.groups()
    leap = second == "60"
    fraction = (fraction or ".0")[:7].ljust(7, "0")
    offset = "+00:00" if offset in "Zz" else offset
    try:
        time = datetime.fromisoformat(f"{day}T{minute}{'59' if leap else second}{fraction}{offset}")
        return (time.replace(microsecond=0) + timedelta(seconds=1) if leap else time).astimezone(
            UTC
        )
    except (ValueError, OverflowError) as error:
        raise problems.invalid(field, message) from error
