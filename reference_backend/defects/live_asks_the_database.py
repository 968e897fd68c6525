"""One health check for all: live is ready under another path."""

from aiohttp import web

from reference_backend.api import health
from reference_backend.api.context import services
from reference_backend.defects import Defect


async def _live(_request: web.Request) -> web.Response:
    await health.probe_claim(services(_request))
    return web.json_response({"data": {"status": "live"}})


def _patch() -> None:
    health.live = _live


DEFECT = Defect(
    title="live asks the database: in an outage everything is restarted, over and over",
    source="Kubernetes docs: liveness probes that depend on others",
    expected=("chaos.database-restart",),
    patch=_patch,
)
