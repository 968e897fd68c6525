"""A known key is answered with its recorded answer, for any request."""

from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect


def _of(self: IdempotencyKey, *_parts: object) -> IdempotencyKey:
    return IdempotencyKey(route=self.route, key=self.key, fingerprint="any")


def _patch() -> None:
    IdempotencyKey.of = _of  # type: ignore[method-assign]


DEFECT = Defect(
    title="A key is replayed to any request: other bytes get the record of the first upload as answer",
    source="I4, P14: Overpass #16",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
