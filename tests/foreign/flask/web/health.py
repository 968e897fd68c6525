"""`/up` and `/serving`: whether the process lives, and whether it can do its work."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from tests.foreign.flask.depot import Depot


def routes(depot: Depot) -> Blueprint:
    """The routes that need no token."""
    room = Blueprint("health", __name__)

    @room.get("/up")
    def up() -> ResponseReturnValue:
        return jsonify(state="up")

    @room.get("/serving")
    def serving() -> ResponseReturnValue:
        with depot.store.reading() as connection:
            connection.execute("SELECT count(*) FROM (SELECT 1 FROM bundles LIMIT 1)").fetchone()
        return jsonify(state="serving")

    return room
