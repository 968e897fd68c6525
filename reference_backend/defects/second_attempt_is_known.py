"""A worker does not begin with an export that it has begun before."""

from uuid import UUID

from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.running import Claim

_begun: set[UUID] = set()
_claim = Claimer.claim


async def _claim_unknown(self: Claimer, limit: int) -> list[Claim]:
    claims = [each for each in await _claim(self, limit) if each.id not in _begun]
    _begun.update(each.id for each in claims)
    return claims


def _patch() -> None:
    Claimer.claim = _claim_unknown  # type: ignore[method-assign]


DEFECT = Defect(
    title="A worker drops a claim of an export that it has begun before, as if it were at it already: nobody works on it",
    source="known: guards against double delivery that remember ids, not claims",
    expected=("chaos.second-attempt",),
    patch=_patch,
)
