"""A worker remembers the first claim token of each export."""

from dataclasses import replace
from uuid import UUID

from reference_backend.defects import Defect
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.running import Claim

_tokens: dict[UUID, UUID] = {}
_claim = Claimer.claim


async def _claim_with_first_token(self: Claimer, limit: int) -> list[Claim]:
    return [
        replace(each, claim_token=_tokens.setdefault(each.id, each.claim_token))
        for each in await _claim(self, limit)
    ]


def _patch() -> None:
    Claimer.claim = _claim_with_first_token  # type: ignore[method-assign]


DEFECT = Defect(
    title="A worker remembers one claim token for each export: its second attempt works with the stale one",
    source="known: leases cached by job id; semaprax #192",
    expected=("chaos.second-attempt",),
    patch=_patch,
)
