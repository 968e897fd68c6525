"""The request's fingerprint takes an empty form field for one that was not sent."""

from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect


def _patch() -> None:
    clean = IdempotencyKey.of

    def of(key: IdempotencyKey, *parts: object) -> IdempotencyKey:
        return clean(key, *(part or None for part in parts))

    IdempotencyKey.of = of  # type: ignore[assignment, method-assign]


DEFECT = Defect(
    title="An empty tag counts as no tag: another request under the key gets the first one's answer",
    source="known: `tag or None` before hashing",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
