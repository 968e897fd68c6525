"""Proof packages: all documents of a work order in one ZIP, with a manifest, for an insurer."""

import uuid

from flask import Blueprint, Response, jsonify, redirect
from flask.typing import ResponseReturnValue

from tests.foreign.fieldwork import requests_seen, shown
from tests.foreign.fieldwork.database import Connection
from tests.foreign.fieldwork.proof import Proof, proven
from tests.foreign.fieldwork.refusals import Refusal, forbidden, invalid, not_found
from tests.foreign.fieldwork.routes.asking import (
    Profile,
    claims,
    client_request_id,
    json_body,
    json_object,
    profile,
    record_id,
    service,
    writer,
)
from tests.foreign.fieldwork.routes.work_orders import expect_work_order

KIND = "insurer_proof"
ONE = "SELECT * FROM proof_packages WHERE id = %s"
OF_WORK_ORDER = (
    "SELECT * FROM proof_packages WHERE work_order_id = %s ORDER BY created_at DESC, id DESC"
)
LIVE = (
    "SELECT * FROM proof_packages WHERE work_order_id = %s"
    " AND status IN ('pending', 'generating', 'uploading')"
)
REQUEST = (
    "INSERT INTO proof_packages (org_id, work_order_id, kind, requested_by) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT DO NOTHING RETURNING *"
)
ENDPOINT = "packages"
_ROUNDS = 20

blueprint = Blueprint("packages", __name__, url_prefix="/rest/v1")


def one(connection: Connection, package: str) -> shown.Row:
    """One package. Raises `Refusal` when there is none that the user may see."""
    row = connection.execute(ONE, [package]).fetchone()
    if row is None:
        raise not_found()
    return row


@blueprint.post("/work-orders/<work_order>/packages")
def request_package(work_order: str) -> ResponseReturnValue:
    """Ask for a package. While one is being made, that one is the answer."""
    with service().database.as_user(claims()) as connection:
        user = writer(connection)
        order = record_id(work_order)
        expect_work_order(connection, order)
        if json_body().get("kind") != KIND:
            raise invalid(f"kind must be {KIND}.")
        sent = client_request_id(required=False)
        if sent is not None:
            mark, unknown = requests_seen.fingerprint([order, KIND]), str(uuid.uuid4())
            first = requests_seen.seen_before(
                connection, user.org_id, ENDPOINT, sent, mark, unknown
            )
            if first is not None:
                return jsonify(shown.package(one(connection, first))), 200
        row, status = requested(connection, user, order)
        if sent is not None:
            requests_seen.settle(connection, user.org_id, ENDPOINT, sent, str(row["id"]))
    return jsonify(shown.package(row)), status


def requested(connection: Connection, user: Profile, order: str) -> tuple[shown.Row, int]:
    """A new package and 202, or the live one and 200."""
    for _ in range(_ROUNDS):
        row = connection.execute(REQUEST, [user.org_id, order, KIND, user.user_id]).fetchone()
        if row is not None:
            return row, 202
        row = connection.execute(LIVE, [order]).fetchone()
        if row is not None:
            return row, 200
    raise invalid("Packages of this work order come and go. Ask again.", 409)


@blueprint.get("/work-orders/<work_order>/packages")
def list_packages(work_order: str) -> ResponseReturnValue:
    """All packages of a work order, the newest first."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        expect_work_order(connection, record_id(work_order))
        rows = connection.execute(OF_WORK_ORDER, [record_id(work_order)]).fetchall()
    return jsonify(packages=[shown.package(row) for row in rows])


@blueprint.get("/packages/<package>")
def get_package(package: str) -> ResponseReturnValue:
    """How far a package is."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = one(connection, record_id(package))
    return jsonify(shown.package(row))


@blueprint.post("/packages/<package>/cancel")
def cancel_package(package: str) -> ResponseReturnValue:
    """Stop a package that is not done yet."""
    return changed("SELECT cancel_package(%s) AS came", package)


@blueprint.post("/packages/<package>/retry")
def retry_package(package: str) -> ResponseReturnValue:
    """Try a package again that ended in an error."""
    return changed("SELECT retry_package(%s) AS came", package)


def changed(statement: str, package: str) -> ResponseReturnValue:
    """The package after a function of the database has changed it. Raises `Refusal`."""
    with service().database.as_user(claims()) as connection:
        writer(connection)
        came = connection.execute(statement, [record_id(package)]).fetchone()
        assert came is not None
        if came["came"] != "done":
            raise refusal_of(came["came"])
        return jsonify(shown.package(one(connection, record_id(package))))


def refusal_of(word: str) -> Refusal:
    """What a function of the database refused, as an answer."""
    match word:
        case "not_found":
            return not_found()
        case "forbidden":
            return forbidden()
        case "finished":
            return invalid("This package is finished.", 409)
        case "another_is_live":
            return invalid("Another package of this work order is being made.", 409)
    return invalid("Only a package that ended in an error can be tried again.", 409)


def completed(connection: Connection, package: str) -> shown.Row:
    """A package that is there to be downloaded. Raises `Refusal`."""
    row = one(connection, package)
    if row["status"] != "completed":
        raise invalid("This package is not completed.", 409)
    return row


@blueprint.get("/packages/<package>/download")
def download_package(package: str) -> ResponseReturnValue:
    """Send the client to the ZIP."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = completed(connection, record_id(package))
    return redirect(
        service().bucket.signed(
            row["storage_key"], file_name=f"{row['id']}.zip", content_type="application/zip"
        )
    )


@blueprint.get("/packages/<package>/manifest")
def get_manifest(package: str) -> ResponseReturnValue:
    """The manifest, as it lies in the ZIP."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = completed(connection, record_id(package))
    return Response(row["manifest"], mimetype="application/json")


@blueprint.post("/rpc/verify_package")
def verify_package() -> ResponseReturnValue:
    """Whether a package still is what was recorded of it."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = one(connection, record_id(package_to_verify()))
    if row["status"] != "completed":
        return jsonify(told(Proof()))
    with service().database.as_service() as connection:
        return jsonify(told(proven(connection, service().bucket, row)))


def package_to_verify() -> str:
    """The id in the request's body. Raises `Refusal`."""
    package = json_object().get("packageId")
    if not isinstance(package, str):
        raise invalid("packageId must be the id of a package.")
    return package


def told(proof: Proof) -> shown.Row:
    """A proof, as the answer shows it."""
    return {
        "manifestOk": proof.manifest_ok,
        "filesOk": proof.files_ok,
        "activityOk": proof.activity_ok,
        "problems": list(proof.problems),
    }
