"""Readiness is probed only until it first succeeds, to save queries."""

from reference_backend.api import health
from reference_backend.api.context import Services
from reference_backend.defects import Defect

_ready: set[int] = set()


def _patch() -> None:
    clean = health.probe_claim

    async def probe_claim(shared: Services) -> None:
        if id(shared) not in _ready:
            await clean(shared)
            _ready.add(id(shared))

    health.probe_claim = probe_claim


DEFECT = Defect(
    title="An instance that was ready once stays ready even if the claim function breaks",
    source="known: a cache without an end",
    expected=("claim.raising-function", "claim.fallback"),
    patch=_patch,
)
