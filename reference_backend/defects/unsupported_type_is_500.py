"""A Content-Type that cannot be parsed raises an error that no code handles."""

from aiohttp import web

from reference_backend.api import bodies
from reference_backend.api.problems import Problem
from reference_backend.defects import Defect


def _patch() -> None:
    def require_json(request: web.Request) -> None:
        kind, _, parameters = request.headers["Content-Type"].partition(";")
        charset = dict(each.split("=") for each in parameters.split(";") if each).get("charset")
        b"".decode(charset or "utf-8")
        if kind.strip().lower() != "application/json":
            raise Problem("unsupported_type", "The body must be application/json.", close=True)

    bodies._require_json = require_json  # noqa: SLF001


DEFECT = Defect(
    title="A Content-Type that is missing, malformed or has an unknown charset is a 500",
    source="known: LookupError of unknown encodings, in frameworks and in handlers",
    expected=("contract.fuzz",),
    patch=_patch,
)
