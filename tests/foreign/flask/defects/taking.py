"""Defects of taking files in."""

import sqlite3
from typing import BinaryIO

from werkzeug.sansio.multipart import Epilogue, MultipartDecoder

from flask import Request
from tests.foreign.changes import all_of, edit, put
from tests.foreign.flask import files, filetypes, intake, store, vault
from tests.foreign.flask.defects.defect import Defect
from tests.foreign.flask.intake import Arrival
from tests.foreign.flask.refusals import Refusal
from tests.foreign.flask.web import files as files_room

_ENDINGS = ("jpg", "jpeg", "png", "gif", "webp", "pdf", "mp4", "mov", "doc", "docx")


def _by_its_ending(media_type: str, head: bytes, name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _whole_families(media_type: str) -> bool:
    return media_type.startswith(("image/", "video/")) or media_type in filetypes._KNOWN_BY


def _any_bytes(media_type: str, head: bytes, name: str) -> bool:
    known = filetypes._KNOWN_BY.get(media_type)
    return known is None or known(head)


def _unlimited_without_length(asked: Request, max_file_bytes: int) -> int | None:
    if asked.content_length is None:
        return None
    return max_file_bytes + intake.FRAME_BYTES


def _take_all(arrival: Arrival, piece: bytes, file: BinaryIO, limit: int) -> None:
    _take(arrival, piece, file, 1 << 62)  # the Content-Length was looked at


_take = intake.take


def _one_byte_less(arrival: Arrival, piece: bytes, file: BinaryIO, limit: int) -> None:
    _take(arrival, piece, file, limit - 1)


def _lenient_next_event(decoder: MultipartDecoder) -> object:
    try:
        return decoder.next_event()
    except ValueError:
        if decoder.complete:
            return Epilogue(data=b"")
        raise


def _no_bytes_are_fine(arrival: Arrival) -> None:
    if arrival.name is None:
        raise Refusal(400, "no_file", "The form needs a part named file with a file name.")


def _by_its_name(project: str, file: str, name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return f"vault/{project}/{last or file}"


def _never_the_same(
    connection: sqlite3.Connection, project: str, arrival: Arrival
) -> sqlite3.Row | None:
    return None


_EMPTY_IN_SCHEMA = edit(store, "SCHEMA", " CHECK (bytes > 0)", "")
_WITHOUT_UNIQUE = edit(
    store,
    "SCHEMA",
    "CREATE UNIQUE INDEX IF NOT EXISTS same_bytes_once",
    "CREATE INDEX IF NOT EXISTS same_bytes_once",
)


DEFECTS = (
    Defect(
        id="ending-trusted",
        title="A file is what its name ends in",
        breaks="bytes that are no picture are taken as one",
        expected=("upload.content-mismatch",),
        switch_on=put(filetypes, "fits", _by_its_ending),
    ),
    Defect(
        id="families-of-types",
        title="Every picture and every video is taken",
        breaks="types that are not on the list are taken",
        expected=("upload.type-allowlist",),
        switch_on=all_of(
            put(filetypes, "taken", _whole_families), put(filetypes, "fits", _any_bytes)
        ),
    ),
    Defect(
        id="chunks-without-limit",
        title="Only a Content-Length is held against the limit",
        breaks="a chunked body of any size is taken",
        expected=("upload.size-streamed",),
        switch_on=all_of(
            put(files_room, "form_limit", _unlimited_without_length), put(intake, "take", _take_all)
        ),
    ),
    Defect(
        id="limit-one-too-low",
        title="The limit is one byte too low",
        breaks="a file of exactly the limit is refused",
        expected=("upload.size-limit",),
        switch_on=put(intake, "take", _one_byte_less),
    ),
    Defect(
        id="truncated-form-taken",
        title="A form that ends early is taken as it came",
        breaks="half a file is kept as a whole one",
        expected=("upload.malformed-multipart", "upload.refused-leaves-nothing"),
        switch_on=put(intake, "next_event", _lenient_next_event),
    ),
    Defect(
        id="empty-file-taken",
        title="A file of no bytes is taken",
        breaks="a file without bytes, or a 5xx",
        expected=("upload.empty-file",),
        switch_on=all_of(put(intake, "require_file", _no_bytes_are_fine), _EMPTY_IN_SCHEMA),
    ),
    Defect(
        id="name-is-the-path",
        title="A file lies under the name that its client gave",
        breaks="two files of one name are one",
        expected=("upload.filename-traversal",),
        switch_on=put(vault, "kept_path", _by_its_name),
    ),
    Defect(
        id="same-bytes-kept-again",
        title="The same bytes are another file under another token",
        breaks="duplicates",
        expected=("upload.sha-dedup",),
        switch_on=all_of(put(files, "same_bytes", _never_the_same), _WITHOUT_UNIQUE),
    ),
    Defect(
        id="same-bytes-of-anybody",
        title="The same bytes are looked for in all projects",
        breaks="a tenant gets the record of another one's file",
        expected=("upload.sha-dedup",),
        switch_on=edit(files, "SAME_BYTES", "project = :project AND ", ""),
    ),
)
