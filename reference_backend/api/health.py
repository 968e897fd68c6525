"""Liveness, readiness and metrics: no token needed, nothing of any tenant shown."""

import logging
from collections.abc import Iterable
from uuid import uuid4

import psycopg
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from reference_backend import queries
from reference_backend.api.context import Services, services
from reference_backend.api.metrics import REGISTRY
from reference_backend.api.problems import Problem
from reference_backend.database import DatabaseUnavailable, service_transaction
from reference_backend.metrics import DatabaseFacts, families, read_facts

PROBE_TIMEOUT_S = 2.0
_log = logging.getLogger(__name__)


async def live(_request: web.Request) -> web.Response:
    """GET /livez: the process runs and its event loop turns."""
    return web.json_response({"data": {"status": "live"}})


async def ready(request: web.Request) -> web.Response:
    """GET /readyz: the database answers, and an export could be claimed right now."""
    await probe_claim(services(request))
    return web.json_response({"data": {"status": "ready"}})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: what this process counts, and the state of the database at this moment."""
    shared = services(request)
    text = generate_latest(REGISTRY)
    try:
        async with service_transaction(shared.pool, timeout_s=PROBE_TIMEOUT_S) as connection:
            facts = await read_facts(connection, stuck_timeout_s=shared.settings.stuck_timeout_s)
    except DatabaseUnavailable as error:
        _log.warning("metrics without the state of the database: %s", error)
    else:
        text += generate_latest(_registry_of(facts))
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def probe_claim(shared: Services) -> None:
    """Claim a made-up export, in a transaction that is rolled back.

    Looking the function up would not do: one was seen that existed and raised as soon as there was
    anything to claim. Raises a 503 Problem, and DatabaseUnavailable.
    """
    async with service_transaction(shared.pool, timeout_s=PROBE_TIMEOUT_S) as connection:
        await connection.execute(queries.load("api/probe_queue"), {"id": uuid4()})
        try:
            await connection.execute(
                queries.load("api/probe_claim"),
                {"worker": "readiness-probe", "max_per_org": shared.settings.max_exports_per_org},
            )
        except psycopg.OperationalError:
            raise  # the database, not the function
        except psycopg.Error as error:
            _log.error("claim_export_job() is missing or broken: %s", error)
            raise Problem("claim_unavailable", "Exports cannot be claimed right now.") from error
        await connection.rollback()


def _registry_of(facts: DatabaseFacts) -> CollectorRegistry:
    class Facts(Collector):
        def collect(self) -> Iterable[Metric]:
            return families(facts)

    registry = CollectorRegistry()
    registry.register(Facts())
    return registry
