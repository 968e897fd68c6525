"""The bucket's own addresses: whoever has one that still works gets the file, without a token."""

from flask import Blueprint, request, send_file
from flask.typing import ResponseReturnValue

from tests.foreign.fieldwork.bucket import SIGNED_PATH
from tests.foreign.fieldwork.refusals import not_found
from tests.foreign.fieldwork.routes.asking import service

blueprint = Blueprint("storage", __name__, url_prefix=SIGNED_PATH)


@blueprint.get("/<path:key>")
def signed_object(key: str) -> ResponseReturnValue:
    """The file, or the part of it that Range asks for."""
    granted = service().bucket.opened(key, request.args.get("token", ""))
    path = service().bucket.path(key)
    if not path.is_file():
        raise not_found()
    answer = send_file(
        path,
        mimetype=granted["type"],
        as_attachment=True,
        download_name=granted["name"],
        conditional=True,
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
