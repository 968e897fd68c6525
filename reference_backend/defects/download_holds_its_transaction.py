"""A download looks its record up again, and streams inside of that transaction."""

from aiohttp import web

from reference_backend.api import downloads
from reference_backend.api.context import PRINCIPAL, services
from reference_backend.api.downloads import Download
from reference_backend.database import tenant_transaction
from reference_backend.defects import Defect

_AS_LONG_AS_IT_TAKES_S = 3600.0

_send = downloads.send


async def _send_in_transaction(request: web.Request, download: Download) -> web.StreamResponse:
    async with tenant_transaction(
        services(request).pool, request[PRINCIPAL].claims, timeout_s=_AS_LONG_AS_IT_TAKES_S
    ) as connection:
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return await _send(request, download)


def _patch() -> None:
    downloads.send = _send_in_transaction


DEFECT = Defect(
    title="A download keeps its transaction, and its place in the pool, for as long as its client reads",
    source="R9: one transaction a request by middleware, and answers that are streamed",
    expected=("chaos.slow-readers",),
    patch=_patch,
)
