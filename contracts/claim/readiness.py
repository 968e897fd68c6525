"""What every API instance says about being ready."""

import asyncio
import time

from contracts.shared.resources.prometheus import total_of
from harness.client import Answer, Client, Route, Transport
from harness.client.client import DEADLINE_S
from harness.expect import expect, expect_equal
from harness.plugin.fixtures import OwnSystem

READINESS_WITHIN_S = 5.0
"""How soon readiness must tell the truth: load balancers ask every few seconds."""

FALLBACK_METRIC = "export_claim_fallback_total"


async def expect_readiness(client: Client, status: int, since: str) -> None:
    """Fail unless the ready path of each instance soon answers so; alive they are all the time."""
    for instance in range(client.instances):
        for route in _ready_routes(client):
            until = time.monotonic() + READINESS_WITHIN_S
            while (answer := await _ask(client, route, instance)).status != status:
                expect(
                    time.monotonic() < until,
                    expected=f"{status} from {route.template} of each API instance within "
                    f"{READINESS_WITHIN_S:g} s after {since}",
                    got=answer.describe(),
                )
                await asyncio.sleep(0.05)
        alive = await client.call("live", instance=instance)
        expect_equal(alive.status, 200, f"the answer to live after {since}")


def _ready_routes(client: Client) -> list[Route]:
    """The ready path and, where it has the contract's name, the other one that means the same."""
    ready = client.routes["ready"]
    routes = [ready]
    if ready.template == "/readyz":
        routes.append(Route(operation_id="health", method="GET", template="/health"))
    return routes


async def _ask(client: Client, route: Route, instance: int) -> Answer:
    return await client.transport.send(
        route, route.template, instance=instance, deadline_s=DEADLINE_S, headers={}
    )


async def read_fallback_total(own: OwnSystem, client: Client) -> float:
    """How many claims without the function the metrics of API and workers tell of.

    A total that the API gets from the database and one that each worker counts for itself are
    the same total: the larger one of the two. A worker without a ready path answers nobody.
    """
    by_api = total_of((await client.call("metrics", instance=0)).text, FALLBACK_METRIC) or 0
    by_workers = 0.0
    alive = [worker.base_url for worker in own.system.workers if own.system.is_alive(worker)]
    declared = own.system.target.worker
    if alive and declared is not None and declared.ready_path is not None:
        path = "/metrics"
        route = Route(operation_id="metrics of a worker", method="GET", template=path)
        async with Transport(alive) as transport:
            for instance in range(len(alive)):
                answer = await transport.send(
                    route, path, instance=instance, deadline_s=5, headers={}
                )
                by_workers += total_of(answer.text, FALLBACK_METRIC) or 0
    return max(by_api, by_workers)
