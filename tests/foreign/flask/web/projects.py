"""`/projects`."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from tests.foreign.flask import projects
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.web import reading

_NAME_CHARACTERS = 200


def routes(depot: Depot) -> Blueprint:
    """The routes of projects."""
    room = Blueprint("projects", __name__)

    @room.post("/projects")
    def create() -> ResponseReturnValue:
        body = reading.json_object(request)
        name = reading.text(body, "name", longest=_NAME_CHARACTERS)
        with depot.store.writing() as connection:
            made = projects.create(connection, reading.caller(), name)
        return jsonify(made), 201, {"Location": f"/projects/{made['id']}"}

    @room.get("/projects")
    def listed() -> ResponseReturnValue:
        asked = reading.page_asked(request)
        with depot.store.reading() as connection:
            rows = projects.page(connection, reading.caller().tenant, asked.after, asked.fetch)
        return jsonify(asked.answer(rows, projects.shown))

    @room.get("/projects/<project>")
    def one(project: str) -> ResponseReturnValue:
        with depot.store.reading() as connection:
            row = projects.find(connection, reading.caller().tenant, project)
        return jsonify(projects.shown(row))

    return room
