"""Work orders: what is documented."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from tests.foreign.fieldwork import shown
from tests.foreign.fieldwork.database import Connection
from tests.foreign.fieldwork.refusals import invalid, not_found
from tests.foreign.fieldwork.routes.asking import (
    claims,
    json_body,
    profile,
    record_id,
    service,
    writer,
)

ONE = "SELECT * FROM work_orders WHERE id = %s"
ALL = "SELECT * FROM work_orders ORDER BY created_at DESC, id DESC"
OPEN = (
    "INSERT INTO work_orders (org_id, name, source, created_by) VALUES (%s, %s, %s, %s) RETURNING *"
)

blueprint = Blueprint("work_orders", __name__, url_prefix="/rest/v1/work-orders")


def expect_work_order(connection: Connection, work_order: str) -> None:
    """Raise `Refusal` for a work order that is none of the user's organization."""
    if connection.execute(ONE, [work_order]).fetchone() is None:
        raise not_found()


@blueprint.post("")
def create_work_order() -> ResponseReturnValue:
    """Open a work order."""
    with service().database.as_user(claims()) as connection:
        user = writer(connection)
        body = json_body()
        name = body.get("name")
        if not isinstance(name, str) or not 1 <= len(name) <= 200:
            raise invalid("name must be a text of 1 to 200 characters.")
        row = connection.execute(OPEN, [user.org_id, name, body["source"], user.user_id]).fetchone()
    assert row is not None
    return jsonify(shown.work_order(row)), 201


@blueprint.get("")
def list_work_orders() -> ResponseReturnValue:
    """All of them, the newest first."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        rows = connection.execute(ALL).fetchall()
    return jsonify(workOrders=[shown.work_order(row) for row in rows])


@blueprint.get("/<work_order>")
def get_work_order(work_order: str) -> ResponseReturnValue:
    """One of them."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = connection.execute(ONE, [record_id(work_order)]).fetchone()
    if row is None:
        raise not_found()
    return jsonify(shown.work_order(row))
