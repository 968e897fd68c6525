"""A retry that finds nothing queues the export by id, as the service role."""

from aiohttp import web

from reference_backend.api import exports
from reference_backend.api.context import services
from reference_backend.api.identifiers import parse_id
from reference_backend.api.problems import Problem
from reference_backend.database import service_transaction
from reference_backend.defects import Defect

_REQUEUE = """UPDATE exports SET state = 'queued', attempts_allowed = attempt + 3, completed_at = NULL
WHERE id = %(id)s AND state = 'failed'"""


def _patch() -> None:
    clean = exports.retry_export

    async def retry_export(request: web.Request) -> web.Response:
        try:
            return await clean(request)
        except Problem:
            async with service_transaction(services(request).pool) as connection:
                await connection.execute(
                    _REQUEUE, {"id": parse_id(request.match_info["export_id"])}
                )
            raise

    exports.retry_export = retry_export


DEFECT = Defect(
    title="Retrying another tenant's export answers 404 and queues it anyway",
    source="L5 family: a service connection where the tenant's belongs",
    expected=("tenancy.export-states",),
    patch=_patch,
)
