"""`/admin`: how tenants and people come to be, for whoever has the administrator's token."""

import hmac

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from tests.foreign.flask import people
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.refusals import bad_request
from tests.foreign.flask.web import reading


def routes(depot: Depot) -> Blueprint:
    """The routes of the administrator."""
    room = Blueprint("admin", __name__)

    @room.before_request
    def only_the_administrator() -> None:
        token = people.bearer(request.headers.get("Authorization"))
        if not hmac.compare_digest(token.encode(), depot.settings.admin_token.encode()):
            raise people.unauthorized()

    @room.post("/admin/tenants")
    def new_tenant() -> ResponseReturnValue:
        body = reading.json_object(request)
        name = reading.text(body, "name", longest=200)
        with depot.store.writing() as connection:
            return jsonify(people.new_tenant(connection, name)), 201

    @room.post("/admin/tenants/<tenant>/people")
    def new_person(tenant: str) -> ResponseReturnValue:
        role = reading.text(reading.json_object(request), "role", longest=20)
        if role not in people.ROLES:
            raise bad_request(f"role is one of: {', '.join(people.ROLES)}.")
        with depot.store.writing() as connection:
            return jsonify(people.new_person(connection, tenant, role)), 201

    return room
