"""The answer says that an export belongs to another organization, to help support."""

from uuid import UUID

from aiohttp import web

from reference_backend.api import exports
from reference_backend.api.context import services
from reference_backend.api.identifiers import parse_id
from reference_backend.api.problems import Problem
from reference_backend.database import service_transaction
from reference_backend.defects import Defect


def _patch() -> None:
    clean = exports.cancel_export

    async def cancel_export(request: web.Request) -> web.Response:
        try:
            return await clean(request)
        except Problem as problem:
            export_id = parse_id(request.match_info["export_id"])
            if problem.code == "not_found" and await _is_somebody_elses(request, export_id):
                raise Problem("forbidden", "This export belongs to another organization.") from None
            raise

    exports.cancel_export = cancel_export


async def _is_somebody_elses(request: web.Request, export_id: UUID | None) -> bool:
    async with service_transaction(services(request).pool) as connection:
        cursor = await connection.execute(
            "SELECT FROM exports WHERE id = %(id)s", {"id": export_id}
        )
        return await cursor.fetchone() is not None


DEFECT = Defect(
    title="Canceling another organization's export answers 403 instead of 404: ids can be probed",
    source="known: an existence oracle, OWASP API1",
    expected=("tenancy.matrix",),
    patch=_patch,
)
