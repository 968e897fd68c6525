"""A known key is answered with what is known, whatever is asked for now."""

from reference_backend.api.idempotency import IdempotencyKey
from reference_backend.defects import Defect


def _of(self: IdempotencyKey, *_parts: object) -> IdempotencyKey:
    return IdempotencyKey(route=self.route, key=self.key, fingerprint="any")


def _patch() -> None:
    IdempotencyKey.of = _of  # type: ignore[method-assign]


DEFECT = Defect(
    title="A key is replayed to any request: other bytes are answered with a record they are not in",
    source="I4, P14: Overpass #16",
    expected=("idempotency.key-reuse",),
    patch=_patch,
)
