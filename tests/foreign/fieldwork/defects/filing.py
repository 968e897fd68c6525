"""Bugs in what is taken as a document, and how often."""

import threading
from typing import BinaryIO

from flask import request

from tests.foreign.changes import all_of, edit, put
from tests.foreign.fieldwork import filetypes, requests_seen
from tests.foreign.fieldwork.database import Connection
from tests.foreign.fieldwork.defects.defect import Defect, migrated
from tests.foreign.fieldwork.refusals import invalid
from tests.foreign.fieldwork.routes import arriving, documents
from tests.foreign.fieldwork.routes.arriving import Arrival
from tests.foreign.fieldwork.routes.asking import Profile

TABLES = "001_tables.sql"


def _as_declared(content_type: str, head: bytes) -> bool:
    return content_type in filetypes.EXTENSIONS


def _no_bytes_begin_like_anything() -> None:
    others = filetypes.begins_like
    put(filetypes, "begins_like", lambda declared, head: not head or others(declared, head))()


def _unlimited_without_length(max_file_bytes: int) -> int | None:
    if request.content_length is None:
        return None
    return max_file_bytes + arriving.FRAME_BYTES


def _was_looked_at(byte_size: int, max_file_bytes: int) -> bool:
    return False


def _by_its_name(user: Profile, document: str, came: Arrival) -> str:
    name = came.file_name.replace("\\", "/").rpartition("/")[2]
    return f"documents/{user.org_id}/{name}"


def _stays(files: list[BinaryIO]) -> None:
    for file in files:
        file.close()


_seen_here: dict[tuple[str, str], tuple[str, str]] = {}
_seen_lock = threading.Lock()


def _seen_by_this_process(
    connection: Connection, org: str, endpoint: str, sent: str, mark: str, record: str
) -> str | None:
    with _seen_lock:
        first = _seen_here.get((org + endpoint, sent))
        if first is None:
            _seen_here[org + endpoint, sent] = (mark, record)
            return None
    if first[0] != mark:
        raise invalid("This Client-Request-Id was used for another request.", 409)
    return first[1]


def _settled_by_this_process(
    connection: Connection, org: str, endpoint: str, sent: str, record: str
) -> None:
    with _seen_lock:
        _seen_here[org + endpoint, sent] = (_seen_here[org + endpoint, sent][0], record)


def _same_request(parts: object) -> str:
    return "the client knows"


DEFECTS = (
    Defect(
        id="type-as-declared",
        title="A file is what its client says it is",
        source="U3 taskora #118: content type from the client",
        expected=("upload.content-mismatch",),
        switch_on=put(filetypes, "begins_like", _as_declared),
    ),
    Defect(
        id="limit-by-length-alone",
        title="The size limit is held against Content-Length alone",
        source="U1 danbooru #3552, streamlit #16207",
        expected=("upload.size-streamed",),
        switch_on=all_of(
            put(arriving, "form_limit", _unlimited_without_length),
            put(arriving, "too_large", _was_looked_at),
        ),
    ),
    Defect(
        id="empty-file-taken",
        title="A file without bytes is filed",
        source="a photo that was never synchronized",
        expected=("upload.empty-file",),
        switch_on=all_of(
            put(arriving, "SMALLEST_BYTES", 0),
            migrated(TABLES, " CHECK (byte_size > 0)", ""),
            _no_bytes_begin_like_anything,
        ),
    ),
    Defect(
        id="refused-stays",
        title="The file of a refused upload stays in the bucket",
        source="U9 renfield #396: no cleanup",
        expected=("upload.refused-leaves-nothing",),
        switch_on=put(arriving, "forget", _stays),
    ),
    Defect(
        id="name-is-the-key",
        title="A file lies under the name that its client gave",
        source="P13, U11: the storage path from the raw file name",
        expected=("upload.filename-traversal", "upload.content-fidelity"),
        switch_on=all_of(
            put(documents, "storage_key", _by_its_name),
            migrated(
                TABLES,
                "storage_key text NOT NULL UNIQUE,\n    category",
                "storage_key text NOT NULL,\n    category",
            ),
        ),
    ),
    Defect(
        id="requests-known-by-one-process",
        title="Requests sent again are known only where they came first",
        source="a dictionary that was enough for one server",
        expected=("idempotency.across-instances", "idempotency.concurrent-same-key"),
        switch_on=all_of(
            put(requests_seen, "seen_before", _seen_by_this_process),
            put(requests_seen, "settle", _settled_by_this_process),
        ),
    ),
    Defect(
        id="request-id-for-anything",
        title="A used Client-Request-Id is answered whatever is sent with it",
        source="P14, I4: the replay ignored the body and the job",
        expected=("idempotency.key-reuse",),
        switch_on=put(requests_seen, "fingerprint", _same_request),
    ),
    Defect(
        id="request-id-of-any-organization",
        title="A Client-Request-Id is one for all organizations",
        source="I3 qmd #239: UNIQUE(key)",
        expected=("idempotency.scoped-to-org",),
        switch_on=migrated(
            TABLES,
            "PRIMARY KEY (org_id, endpoint, client_request_id)",
            "PRIMARY KEY (client_request_id)",
        ),
    ),
    Defect(
        id="same-bytes-looked-for-first",
        title="The same bytes are looked for, and then filed, without a unique index",
        source="U5 renfield #396, I1: check then insert",
        expected=("instances.no-duplicates", "upload.sha-dedup", "idempotency.concurrent-same-key"),
        switch_on=all_of(
            migrated(
                TABLES,
                "CREATE UNIQUE INDEX documents_same_bytes",
                "CREATE INDEX documents_same_bytes",
            ),
            edit(documents, "FILE", " ON CONFLICT (work_order_id, sha256) DO NOTHING", ""),
        ),
    ),
)
