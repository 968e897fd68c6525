"""Metrics of the API: what this process counts, and the state of the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reference_backend.database import Row

REGISTRY = CollectorRegistry()
STATES = ("queued", "preparing", "ready", "failed", "canceled")
_LATENCY = Histogram(
    "http_request_seconds",
    "Time from a request's headers to the end of its handler, by operationId.",
    ["operation"],
    registry=REGISTRY,
)
_UPLOAD_FAILURES = Counter(
    "evidence_upload_failures_total",
    "Uploads that were not sealed: too large (quota), broken off (network), refused (validation).",
    ["reason"],
    registry=REGISTRY,
)
for _reason in ("quota", "network", "validation"):
    _UPLOAD_FAILURES.labels(_reason)  # shown as zero from the start: rate() needs a first value


@contextmanager
def timed(operation_id: str) -> Iterator[None]:
    """Measure how long the block takes, also when it raises."""
    started = time.perf_counter()
    try:
        yield
    finally:
        _LATENCY.labels(operation_id).observe(time.perf_counter() - started)


def upload_failed(reason: str) -> None:
    """Count an upload that was not sealed."""
    _UPLOAD_FAILURES.labels(reason).inc()


class DatabaseMetrics(Collector):
    """The state of all exports and workers, from the row of ``queries/metrics.sql``."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """The metrics; ages are seconds."""
        row = self._row
        exports = GaugeMetricFamily("export_jobs", "Exports by state", labels=["state"])
        for state in STATES:
            exports.add_metric([state], row["jobs"].get(state, 0))
        yield exports
        yield GaugeMetricFamily(
            "export_oldest_queued_seconds",
            "Age of the oldest queued export, 0 if none is queued",
            row["oldest_queued_s"],
        )
        yield GaugeMetricFamily(
            "export_stuck_jobs",
            "Exports in preparing without a heartbeat for the stuck timeout",
            row["stuck"],
        )
        yield CounterMetricFamily(
            "export_duplicate_completions",
            "Completions beyond the first of an export; must stay 0",
            row["duplicate_completions"],
        )
        for name, description in (
            ("export_claim_fallback", "Claims made while claim_export_job() was missing"),
            ("export_reclaims", "Exports taken back from workers without a heartbeat"),
            ("ledger_hash_mismatch", "Verifications that found an event or a chain broken"),
        ):
            yield CounterMetricFamily(name, description, row["counters"].get(f"{name}_total", 0))
        ages = GaugeMetricFamily(
            "worker_heartbeat_age_seconds",
            "Time since a worker's last heartbeat",
            labels=["worker"],
        )
        for worker, age_s in row["worker_heartbeat_ages_s"].items():
            ages.add_metric([worker], age_s)
        yield ages
