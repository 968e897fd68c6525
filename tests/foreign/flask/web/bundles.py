"""`/projects/{id}/bundles`, `/bundles`."""

import json
import sqlite3
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from tests.foreign.flask import bundles, delivery, projects, reservations
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.refusals import bad_request
from tests.foreign.flask.reservations import Remembered
from tests.foreign.flask.web import reading


def routes(depot: Depot) -> Blueprint:
    """The routes of bundles."""
    room = Blueprint("bundles", __name__)

    @room.post("/projects/<project>/bundles/<kind>")
    def ask(project: str, kind: str) -> ResponseReturnValue:
        token = reservations.token_of(request.headers.get("X-Dedup-Token"))
        body = reading.json_object(request) if request.get_data() else {}
        options = reading.options(body)
        with depot.store.writing() as connection:
            projects.find(connection, reading.caller().tenant, project)
            if kind not in bundles.KINDS:
                raise bad_request(f"A bundle is one of: {', '.join(bundles.KINDS)}.")
            if token is None:
                return _asked(*_ask(connection, depot, project, kind, options))
            scope = reservations.scope_of(reading.caller().tenant, "bundles", token)
            fingerprint = json.dumps([project, kind, options], sort_keys=True)
            before = reservations.recall(connection, scope)
            if before is not None:
                same = reservations.same_or_spent(before, fingerprint)
                answer = _asked(same.status, same.answer)
                answer.headers["X-From-Cache"] = "hit"
                return answer
            holder = reservations.hold(connection, scope)
            status, shown = _ask(connection, depot, project, kind, options)
            remembered = Remembered(fingerprint=fingerprint, status=status, answer=shown)
            reservations.settle(connection, scope, holder, remembered)
        return _asked(status, shown)

    @room.get("/projects/<project>/bundles")
    def listed(project: str) -> ResponseReturnValue:
        asked = reading.page_asked(request)
        with depot.store.reading() as connection:
            projects.find(connection, reading.caller().tenant, project)
            rows = bundles.page(connection, project, asked.after, asked.fetch)
            page = asked.answer(rows, lambda row: bundles.shown(connection, row))
        return jsonify(page)

    @room.get("/bundles/<bundle>")
    def one(bundle: str) -> ResponseReturnValue:
        with depot.store.reading() as connection:
            row = bundles.find(connection, reading.caller().tenant, bundle)
            return _answer(bundles.shown(connection, row))

    @room.post("/bundles/<bundle>/abort")
    def abort(bundle: str) -> ResponseReturnValue:
        with depot.store.writing() as connection:
            row = bundles.stop(connection, depot, reading.caller(), bundle)
            return _answer(bundles.shown(connection, row))

    @room.post("/bundles/<bundle>/again")
    def again(bundle: str) -> ResponseReturnValue:
        with depot.store.writing() as connection:
            row = bundles.again(connection, depot, reading.caller(), bundle)
            return _answer(bundles.shown(connection, row), 201)

    @room.get("/bundles/<bundle>/zip")
    def download(bundle: str) -> ResponseReturnValue:
        row = _finished(depot, bundle)
        return delivery.send(
            request,
            depot.vault.path(row["kept_in"]),
            sha256=row["zip_sha256"],
            media_type="application/zip",
            name=f"{bundle}.zip",
        )

    @room.get("/bundles/<bundle>/index")
    def index(bundle: str) -> ResponseReturnValue:
        return Response(_finished(depot, bundle)["index_text"], content_type="application/json")

    return room


def _ask(
    connection: sqlite3.Connection,
    depot: Depot,
    project: str,
    kind: str,
    options: dict[str, Any],
) -> tuple[int, dict[str, Any]]:
    asked = bundles.ask(
        connection,
        depot,
        caller=reading.caller(),
        project=project,
        kind=kind,
        options=options,
    )
    return 200 if asked.known else 201, bundles.shown(connection, asked.bundle)


def _asked(status: int, shown: dict[str, Any]) -> Response:
    answer = _answer(shown, status)
    if status == 200:
        answer.headers["X-Already-Running"] = "yes"
    return answer


def _answer(shown: dict[str, Any], status: int = 200) -> Response:
    answer = jsonify(shown)
    answer.status_code = status
    if request.method == "POST":
        answer.headers["Location"] = f"/bundles/{shown['id']}"
    if shown["status"] in bundles.LIVE:
        answer.headers["Retry-After"] = "1"
    return answer


def _finished(depot: Depot, bundle: str) -> sqlite3.Row:
    with depot.store.reading() as connection:
        return bundles.finished(bundles.find(connection, reading.caller().tenant, bundle))
