"""The activity log."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from tests.foreign.fieldwork import shown
from tests.foreign.fieldwork.refusals import invalid, not_found
from tests.foreign.fieldwork.routes.asking import claims, profile, record_id, service

ONE = "SELECT * FROM activity_log WHERE id = %s"
ALL = "SELECT * FROM activity_log ORDER BY entry_no DESC"
OF_RECORD = "SELECT * FROM activity_log WHERE record_id = %s ORDER BY entry_no DESC"
CHECK = "SELECT * FROM private.check_activity(%s)"

blueprint = Blueprint("activity", __name__, url_prefix="/rest/v1/activity")


@blueprint.get("")
def list_activity() -> ResponseReturnValue:
    """What happened in the organization, or to one record; the newest first."""
    record = request.args.get("recordId")
    with service().database.as_user(claims()) as connection:
        profile(connection)
        if record is None:
            rows = connection.execute(ALL).fetchall()
        else:
            rows = connection.execute(OF_RECORD, [record_to_find(record)]).fetchall()
    return jsonify(entries=[shown.entry(row) for row in rows])


def record_to_find(text: str) -> str:
    """An id out of the query. Raises `Refusal`."""
    try:
        return record_id(text)
    except Exception as error:
        raise invalid("recordId must be an id.") from error


@blueprint.get("/<entry>")
def get_entry(entry: str) -> ResponseReturnValue:
    """One entry."""
    return jsonify(shown.entry(own_entry(entry)))


@blueprint.get("/<entry>/verify")
def verify_entry(entry: str) -> ResponseReturnValue:
    """Whether an entry, and the chain up to it, are as they were written."""
    row = own_entry(entry)
    with service().database.as_service() as connection:
        checked = connection.execute(CHECK, [row["id"]]).fetchone()
    assert checked is not None
    return jsonify(
        hashOk=checked["hash_ok"],
        linkOk=checked["link_ok"],
        chainOk=checked["chain_ok"],
        length=checked["length"],
    )


def own_entry(entry: str) -> shown.Row:
    """An entry of the user's organization. Raises `Refusal`."""
    with service().database.as_user(claims()) as connection:
        profile(connection)
        row = connection.execute(ONE, [record_id(entry)]).fetchone()
    if row is None:
        raise not_found()
    return row
