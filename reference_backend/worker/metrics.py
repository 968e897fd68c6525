"""Prometheus metrics of one worker process. Totals over all workers are the API's."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class WorkerMetrics:
    """The counters of one worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.exports = Counter(
            "worker_exports",
            "Claimed exports by how this worker's claim ended",
            ["outcome"],
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "worker_exports_in_progress",
            "Exports that this worker has claimed",
            registry=self.registry,
        )
        self.fallbacks = Counter(
            "worker_claim_fallback",
            "Claims made without claim_export_job(), which was missing",
            registry=self.registry,
        )
        self.reclaims = Counter(
            "worker_reclaims",
            "Exports that this worker took back from workers without a heartbeat",
            registry=self.registry,
        )
