"""The bucket's own addresses: whoever has one that still works gets the file, without a token."""

import re

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
    request.environ.update(within(request.headers.get("Range"), path.stat().st_size))
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


def within(asked: str | None, size: int) -> dict[str, str]:
    """The range that werkzeug is to answer: it refuses one of more last bytes than there are."""
    found = re.fullmatch(r"bytes=-(\d+)", asked or "")
    return {"HTTP_RANGE": f"bytes=-{size}"} if found and int(found[1]) > size else {}
