"""Readiness of every API instance, and the metric that counts fallback claims."""

from contracts.shared.resources.prometheus import total_of
from harness.client import Answer, Client, Route, Transport
from harness.client.caller import DEADLINE_S
from harness.errors import CheckFailed
from harness.expect import STATUS_WORDS, expect_status
from harness.plugin.fixtures import OwnSystem
from harness.waiting import wait_until

READINESS_WITHIN_S = 5.0
"""How soon readiness must show a change: load balancers ask every few seconds."""

FALLBACK_METRIC = "export_claim_fallback_total"


async def expect_readiness(client: Client, status: int, since: str) -> None:
    """Fail unless the ready path of each instance soon answers `status`, and `live` 200."""
    for instance in range(client.instances):
        for route in _ready_routes(client):
            await _expect_soon(client, route, instance, status, since)
        if client.has("live"):
            alive = await client.call("live", instance=instance)
            expect_status(alive, 200, detail=f"once {since}")


async def _expect_soon(
    client: Client, route: Route, instance: int, status: int, since: str
) -> None:
    answers: list[Answer] = []

    async def is_answered() -> bool:
        answer = await client.transport.send(
            route, route.template, instance=instance, deadline_s=DEADLINE_S, headers={}
        )
        answers.append(answer)
        return answer.status == status

    expected = f"{status} from {route.template!r} within {READINESS_WITHIN_S:g} s, once {since}"

    def too_late(_: str) -> CheckFailed:
        return CheckFailed(
            expected=expected,
            got=answers[-1].describe(),
            subject=route.operation_id,
            aspect=f"{STATUS_WORDS[status]}, once {since}",
        )

    await wait_until(is_answered, READINESS_WITHIN_S, expected, poll_s=0.05, error=too_late)


def _ready_routes(client: Client) -> list[Route]:
    """`ready` and `health`, which means the same, as far as the backend has them."""
    there = [client.routes[name] for name in ("ready", "health") if client.has(name)]
    return there or [client.routes["ready"]]  # which says that it is absent


async def read_fallback_total(own: OwnSystem, client: Client) -> float:
    """Number of claims without the claim function, by the metrics of API and workers.

    The API may read the total from the database, or each worker may count for itself: they count
    the same claims, so the larger number is it. Workers without a ready path serve no metrics.
    """
    by_api = total_of((await client.call("metrics", instance=0)).text, FALLBACK_METRIC) or 0
    by_workers = 0.0
    alive = [worker.base_url for worker in own.system.workers if own.system.is_alive(worker)]
    declared = own.system.target.worker
    if alive and declared is not None and declared.ready_path is not None:
        path = "/metrics"
        route = Route(operation_id="metrics of a worker", method="GET", template=path)
        async with Transport(alive, dialect=client.transport.dialect) as transport:
            for instance in range(len(alive)):
                answer = await transport.send(
                    route, path, instance=instance, deadline_s=5, headers={}
                )
                by_workers += total_of(answer.text, FALLBACK_METRIC) or 0
    return max(by_api, by_workers)
