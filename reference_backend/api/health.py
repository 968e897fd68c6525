"""Liveness, readiness and metrics: no token needed, no tenant's data shown."""

import logging
from uuid import uuid4

import psycopg
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from reference_backend.api.context import Services, services
from reference_backend.api.metrics import REGISTRY, DatabaseMetrics
from reference_backend.api.problems import Problem
from reference_backend.database import DatabaseUnavailable, fetch_all, service_transaction

PROBE_TIMEOUT_S = 2.0
_log = logging.getLogger(__name__)


async def live(_request: web.Request) -> web.Response:
    """GET /livez: the process runs and its event loop works."""
    return web.json_response({"data": {"status": "live"}})


async def ready(request: web.Request) -> web.Response:
    """GET /readyz: the database answers, and exports can be claimed."""
    await probe_claim(services(request))
    return web.json_response({"data": {"status": "ready"}})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: of this process, and of the database."""
    shared = services(request)
    text = generate_latest(REGISTRY)
    timeout_s = shared.settings.stuck_timeout_s
    try:
        async with service_transaction(shared.pool, timeout_s=PROBE_TIMEOUT_S) as connection:
            [row] = await fetch_all(connection, "metrics", stuck_timeout_s=timeout_s)
    except DatabaseUnavailable as error:
        _log.warning("metrics without those of the database: %s", error)
    else:
        text += DatabaseMetrics(row).exposition()
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def probe_claim(shared: Services) -> None:
    """Claim a generated export, in a transaction that is rolled back.

    It is not enough that the function exists: a broken one may raise only when there is something
    to claim. Raises a 503 Problem, and DatabaseUnavailable.
    """
    cap = shared.settings.max_exports_per_org
    async with service_transaction(shared.pool, timeout_s=PROBE_TIMEOUT_S) as connection:
        await fetch_all(connection, "api/probe_queue", id=uuid4())
        try:
            await fetch_all(
                connection, "api/probe_claim", worker="readiness-probe", max_per_org=cap
            )
        except psycopg.OperationalError:
            raise  # the database, not the function
        except psycopg.Error as error:
            _log.error("claim_export_job() is missing or broken: %s", error)
            raise Problem("claim_unavailable", "Exports cannot be claimed right now.") from error
        await connection.rollback()
