"""`/journal`."""

import sqlite3

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from tests.foreign.flask import journal
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.refusals import absent
from tests.foreign.flask.web import reading


def routes(depot: Depot) -> Blueprint:
    """The routes of the journal."""
    room = Blueprint("journal", __name__)

    @room.get("/journal")
    def listed() -> ResponseReturnValue:
        asked = reading.page_asked(request)
        subject = reading.identifier(request, "subject")
        with depot.store.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM journal WHERE tenant = :tenant AND number > :after"
                " AND (:subject IS NULL OR subject = :subject) ORDER BY number LIMIT :fetch",
                {
                    "tenant": reading.caller().tenant,
                    "subject": subject,
                    "after": asked.after,
                    "fetch": asked.fetch,
                },
            ).fetchall()
        return jsonify(asked.answer(rows, journal.shown))

    @room.get("/journal/<entry>")
    def one(entry: str) -> ResponseReturnValue:
        with depot.store.reading() as connection:
            return jsonify(journal.shown(_find(connection, entry)))

    @room.get("/journal/<entry>/proof")
    def proof(entry: str) -> ResponseReturnValue:
        with depot.store.reading() as connection:
            return jsonify(depot.journal.proof(connection, _find(connection, entry)))

    return room


def _find(connection: sqlite3.Connection, entry: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM journal WHERE id = ? AND tenant = ?", (entry, reading.caller().tenant)
    ).fetchone()
    if row is None:
        raise absent()
    return row
