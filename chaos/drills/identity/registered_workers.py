"""Which workers the metrics name."""

import re

from chaos.drills.worker_drill import WorkerDrill

_AGE = re.compile(r'^worker_heartbeat_age_seconds\{[^}]*\bworker="([^"]*)"', re.MULTILINE)


async def registered_workers(drill: WorkerDrill) -> frozenset[str]:
    """Give the workers with a heartbeat age in the metrics; none where there are no metrics."""
    owner = next(iter(drill.backlog.owners.values()), None)
    if owner is None or not owner.client.has("metrics"):
        return frozenset()
    return workers_in((await owner.client.call("metrics", instance=0)).text)


def workers_in(metrics: str) -> frozenset[str]:
    """Give the workers whose heartbeat age stands in metrics in Prometheus' text format."""
    return frozenset(_AGE.findall(metrics))
