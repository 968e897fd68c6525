"""Documents of a work order: photos, videos and PDFs."""

import uuid

from flask import Blueprint, jsonify, redirect
from flask.typing import ResponseReturnValue

from tests.foreign.fieldwork import filetypes, requests_seen, shown
from tests.foreign.fieldwork.database import Connection
from tests.foreign.fieldwork.refusals import not_found
from tests.foreign.fieldwork.routes.arriving import Arrival, arrival
from tests.foreign.fieldwork.routes.asking import (
    Profile,
    claims,
    client_request_id,
    profile,
    record_id,
    service,
    writer,
)
from tests.foreign.fieldwork.routes.work_orders import expect_work_order

ONE = "SELECT * FROM documents WHERE id = %s"
OF_WORK_ORDER = "SELECT * FROM documents WHERE work_order_id = %s ORDER BY created_at DESC, id DESC"
SAME_BYTES = "SELECT * FROM documents WHERE work_order_id = %s AND sha256 = %s"
FILE = (
    "INSERT INTO documents (id, org_id, work_order_id, file_name, content_type, byte_size, sha256,"
    " storage_key, category, step, taken_at, uploaded_by)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (work_order_id, sha256) DO NOTHING RETURNING *"
)
ENDPOINT = "documents"

blueprint = Blueprint("documents", __name__, url_prefix="/rest/v1")


@blueprint.post("/work-orders/<work_order>/documents")
def upload_document(work_order: str) -> ResponseReturnValue:
    """File a document. A device may send it again, with the same Client-Request-Id."""
    asking = claims()
    with service().database.as_user(asking) as connection:
        writer(connection)
        expect_work_order(connection, record_id(work_order))
    sent = client_request_id(required=True)
    assert sent is not None
    with arrival(service().settings.max_file_bytes) as came:
        row, status = filed(asking, record_id(work_order), sent, came)
    return jsonify(shown.document(row)), status


def filed(
    asking: dict[str, object], work_order: str, sent: str, came: Arrival
) -> tuple[shown.Row, int]:
    """The record of a file, and 201 where it is a new one. Raises `Refusal`."""
    document = str(uuid.uuid4())
    kept, committing = "", False
    try:
        with service().database.as_user(asking) as connection:
            user = writer(connection)
            mark = requests_seen.fingerprint([work_order, came.sha256, came.category, came.step])
            first = requests_seen.seen_before(
                connection, user.org_id, ENDPOINT, sent, mark, document
            )
            if first is not None:
                return one(connection, first), 200
            row = same_bytes(connection, work_order, came.sha256)
            if row is None:
                key = storage_key(user, document, came)
                new = insert(connection, user, document, work_order, key, came)
                if new is not None:
                    kept = key
                    service().bucket.keep(came.file, kept)
                    committing = True
                    return new, 201
                row = same_bytes(connection, work_order, came.sha256)
            assert row is not None
            requests_seen.settle(connection, user.org_id, ENDPOINT, sent, str(row["id"]))
            return row, 200
    except BaseException:
        # What fails while it commits may be committed: then the file is left to the janitor.
        if kept and not committing:
            service().bucket.remove(kept)
        raise


def storage_key(user: Profile, document: str, came: Arrival) -> str:
    """Where a file is kept: nothing of it is the client's choice."""
    return f"documents/{user.org_id}/{document}.{filetypes.EXTENSIONS[came.content_type]}"


def same_bytes(connection: Connection, work_order: str, sha256: str) -> shown.Row | None:
    """The work order's document of these bytes, if it has one."""
    return connection.execute(SAME_BYTES, [work_order, sha256]).fetchone()


def insert(
    connection: Connection, user: Profile, document: str, work_order: str, key: str, came: Arrival
) -> shown.Row | None:
    """The new record; none where somebody else has filed these bytes meanwhile."""
    values = [document, user.org_id, work_order, came.file_name, came.content_type, came.byte_size]
    values += [came.sha256, key, came.category, came.step, came.taken_at, user.user_id]
    return connection.execute(FILE, values).fetchone()


def one(connection: Connection, document: str) -> shown.Row:
    """One record. Raises `Refusal` when there is none that the user may see."""
    row = connection.execute(ONE, [document]).fetchone()
    if row is None:
        raise not_found()
    return row


def to_download(connection: Connection, document: str) -> shown.Row:
    """The record of a file that the user may have. Raises `Refusal`."""
    return one(connection, document)


@blueprint.get("/work-orders/<work_order>/documents")
def list_documents(work_order: str) -> ResponseReturnValue:
    """All documents of a work order, the newest first."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        expect_work_order(connection, record_id(work_order))
        rows = connection.execute(OF_WORK_ORDER, [record_id(work_order)]).fetchall()
    return jsonify(documents=[shown.document(row) for row in rows])


@blueprint.get("/documents/<document>")
def get_document(document: str) -> ResponseReturnValue:
    """A document's record."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = one(connection, record_id(document))
    return jsonify(shown.document(row))


@blueprint.get("/documents/<document>/download")
def download_document(document: str) -> ResponseReturnValue:
    """Send the client to the file itself."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = to_download(connection, record_id(document))
    return redirect(
        service().bucket.signed(
            row["storage_key"], file_name=row["file_name"], content_type=row["content_type"]
        )
    )
