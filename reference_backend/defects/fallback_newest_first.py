"""The fallback lists candidates newest first, like the support screen, and takes the first."""

from reference_backend import database
from reference_backend.defects import Defect, Edit
from reference_backend.worker.claimer import Claimer
from reference_backend.worker.running import Claim


async def _claim_optimistically(self: Claimer, limit: int) -> list[Claim]:
    candidates = await database.call(self._pool, "fallback_candidates", limit=64, **self._cap)
    claims: list[Claim] = []
    for candidate in candidates:
        if len(claims) < limit and (row := await self._claim_candidate(candidate)) is not None:
            claims.append(Claim(**row))
    return claims


def _patch() -> None:
    Claimer._claim_optimistically = _claim_optimistically  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="Without the claim function the newest export is claimed first",
    source="Q6, known",
    expected=("claim.fallback",),
    edits=(
        Edit(
            file="queries/fallback_candidates.sql",
            old="""FROM claimable_exports(%(limit)s, %(max_per_org)s)
ORDER BY queued_at, export_id
""",
            new="""FROM (SELECT id AS export_id, organization_id, created_at AS queued_at FROM exports
      WHERE state = 'queued' AND %(max_per_org)s > 0) AS waiting
ORDER BY queued_at DESC, export_id
""",
        ),
    ),
    patch=_patch,
)
