"""What the API process counts about itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
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
    _UPLOAD_FAILURES.labels(_reason)  # shown as zero from the start: rates need a beginning


@contextmanager
def timed(operation_id: str) -> Iterator[None]:
    """Observe how long the block takes, also when it raises."""
    started = time.perf_counter()
    try:
        yield
    finally:
        _LATENCY.labels(operation_id).observe(time.perf_counter() - started)


def upload_failed(reason: str) -> None:
    """Count an upload that was not sealed."""
    _UPLOAD_FAILURES.labels(reason).inc()
