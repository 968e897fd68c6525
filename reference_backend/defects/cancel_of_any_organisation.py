"""Canceling also frees the worker's place in the queue, and uses the service role for that."""

from aiohttp import web

from reference_backend.api import exports
from reference_backend.api.context import services
from reference_backend.api.identifiers import parse_id
from reference_backend.database import service_transaction
from reference_backend.defects import Defect

_CANCEL = """UPDATE exports SET state = 'canceled', claim_token = NULL, completed_at = clock_timestamp()
WHERE id = %(id)s AND state IN ('queued', 'preparing')"""


def _patch() -> None:
    clean = exports.cancel_export

    async def cancel_export(request: web.Request) -> web.Response:
        try:
            return await clean(request)
        finally:
            async with service_transaction(services(request).pool) as connection:
                await connection.execute(_CANCEL, {"id": parse_id(request.match_info["export_id"])})

    exports.cancel_export = cancel_export


DEFECT = Defect(
    title="Canceling another tenant's export answers 404 and cancels it anyway",
    source="L5 family: a service connection where the tenant's belongs",
    expected=("tenancy.export-states",),
    patch=_patch,
)
