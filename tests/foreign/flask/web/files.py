"""`/projects/{id}/files`, `/files`."""

from flask import Blueprint, Request, jsonify, request
from flask.typing import ResponseReturnValue
from tests.foreign.flask import delivery, files, intake, projects, reservations
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.refusals import Refusal, bad_request
from tests.foreign.flask.uploads import Upload
from tests.foreign.flask.web import reading


def routes(depot: Depot) -> Blueprint:
    """The routes of files."""
    room = Blueprint("files", __name__)

    @room.post("/projects/<project>/files")
    def upload(project: str) -> ResponseReturnValue:
        # Everything that the headers alone can tell is told before a byte of the body is read.
        caller = reading.caller()
        with depot.store.reading() as connection:
            projects.find(connection, caller.tenant, project)
        token = reservations.token_of(request.headers.get("X-Dedup-Token"))
        if token is None:
            raise Refusal(400, "no_dedup_token", "X-Dedup-Token is missing.")
        boundary = _boundary(request)
        request.max_content_length = form_limit(request, depot.settings.max_file_bytes)
        coming = Upload(depot=depot, caller=caller, project=project, token=token)
        answer = coming.run(request.stream, boundary)
        headers = {"Location": f"/files/{answer.body['id']}"}
        if answer.from_before:
            headers["X-From-Cache"] = "hit"
        if answer.status == 200:
            headers["X-Same-Bytes"] = "yes"
        return jsonify(answer.body), answer.status, headers

    @room.get("/projects/<project>/files")
    def listed(project: str) -> ResponseReturnValue:
        asked = reading.page_asked(request)
        with depot.store.reading() as connection:
            projects.find(connection, reading.caller().tenant, project)
            rows = files.page(connection, project, asked.after, asked.fetch)
        return jsonify(asked.answer(rows, files.shown))

    @room.get("/files/<file>")
    def one(file: str) -> ResponseReturnValue:
        with depot.store.reading() as connection:
            row = files.find(connection, reading.caller().tenant, file)
        return jsonify(files.shown(row))

    @room.get("/files/<file>/download")
    def download(file: str) -> ResponseReturnValue:
        with depot.store.reading() as connection:
            row = files.find_content(connection, reading.caller().tenant, file)
        return delivery.send(
            request,
            depot.vault.path(row["kept_in"]),
            sha256=row["sha256"],
            media_type=row["media_type"],
            name=row["name"],
        )

    return room


def form_limit(asked: Request, max_file_bytes: int) -> int | None:
    """How many bytes of a form are read at most; a longer Content-Length is refused unread."""
    return max_file_bytes + intake.FRAME_BYTES


def _boundary(asked: Request) -> bytes:
    if asked.mimetype != "multipart/form-data":
        raise Refusal(400, "not_a_form", "The body must be multipart/form-data.")
    boundary = asked.mimetype_params.get("boundary", "")
    if not (boundary.isascii() and 1 <= len(boundary) <= 70):
        raise bad_request("The form needs a boundary of 1 to 70 characters.")
    return boundary.encode()
