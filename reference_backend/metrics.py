"""Prometheus metrics: what a worker counts, and what the database knows when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from reference_backend import queries
from reference_backend.database import Connection

STATES = ("queued", "preparing", "ready", "failed", "canceled")


class WorkerMetrics:
    """Counters of one worker process. Totals over all workers are the API's, from the database."""

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
            "Exports this worker holds a claim on",
            registry=self.registry,
        )
        self.fallbacks = Counter(
            "worker_claim_fallback",
            "Claims made without claim_export_job(), which was missing",
            registry=self.registry,
        )
        self.reclaims = Counter(
            "worker_reclaims",
            "Exports this worker took back from workers that gave no sign of life",
            registry=self.registry,
        )


@dataclass(frozen=True, kw_only=True)
class DatabaseFacts:
    """The state of all exports and workers at one moment. Ages are seconds."""

    jobs: Mapping[str, int]
    oldest_queued_s: float
    stuck: int
    duplicate_completions: int
    counters: Mapping[str, int]
    worker_heartbeat_ages_s: Mapping[str, float]


async def read_facts(connection: Connection, *, stuck_timeout_s: float) -> DatabaseFacts:
    """Ask the database, as service_role. Raises what the connection raises."""
    cursor = await connection.execute(queries.load("metrics"), {"stuck_timeout_s": stuck_timeout_s})
    row = await cursor.fetchone()
    assert row is not None, "aggregates always give a row"
    return DatabaseFacts(**row)


def families(facts: DatabaseFacts) -> Iterable[Metric]:
    """The facts as metrics, for a custom collector or straight for `generate_latest`."""
    jobs = GaugeMetricFamily("export_jobs", "Exports by state", labels=["state"])
    for state in STATES:
        jobs.add_metric([state], facts.jobs.get(state, 0))
    yield jobs
    yield GaugeMetricFamily(
        "export_oldest_queued_seconds",
        "Age of the oldest export that waits for a worker, 0 when none does",
        facts.oldest_queued_s,
    )
    yield GaugeMetricFamily(
        "export_stuck_jobs",
        "Exports in preparing whose worker gave no sign of life for the stuck timeout",
        facts.stuck,
    )
    yield CounterMetricFamily(
        "export_duplicate_completions",
        "Completions beyond the first of an export; must stay 0",
        facts.duplicate_completions,
    )
    for name, description in (
        ("export_claim_fallback", "Claims made while claim_export_job() was missing"),
        ("export_reclaims", "Exports taken back from workers that gave no sign of life"),
        ("ledger_hash_mismatch", "Verifications that found an event or a chain broken"),
    ):
        yield CounterMetricFamily(name, description, facts.counters.get(f"{name}_total", 0))
    ages = GaugeMetricFamily(
        "worker_heartbeat_age_seconds", "Time since a worker's last heartbeat", labels=["worker"]
    )
    for worker, age_s in facts.worker_heartbeat_ages_s.items():
        ages.add_metric([worker], age_s)
    yield ages
