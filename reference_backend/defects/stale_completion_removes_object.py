"""A worker whose completion is refused removes what it has stored."""

from __future__ import annotations

from reference_backend.defects import Defect
from reference_backend.storage.objects import StoredObject
from reference_backend.worker.exporter import Exporter
from reference_backend.worker.running import RunningExport


def _patch() -> None:
    store, work = Exporter._store, Exporter._store_and_complete  # noqa: SLF001
    paths: dict[object, str] = {}

    async def remember(
        self: Exporter, export: RunningExport, *rest: object
    ) -> tuple[StoredObject, bytes]:
        stored, manifest = await store(self, export, *rest)  # type: ignore[arg-type]
        paths[export.claim.claim_token] = stored.path
        return stored, manifest

    async def store_and_complete(self: Exporter, export: RunningExport) -> bool:
        completed = await work(self, export)
        path = paths.pop(export.claim.claim_token)
        if not completed:
            await self._storage.delete(path)
        return completed

    Exporter._store = remember  # type: ignore[method-assign, assignment]  # noqa: SLF001
    Exporter._store_and_complete = store_and_complete  # type: ignore[method-assign]  # noqa: SLF001


DEFECT = Defect(
    title="A worker whose completion is sent again after a lost answer, and refused, removes the object",
    source="known: a repeated statement that changes no row is taken for a lost lease",
    expected=("chaos.half-written",),
    patch=_patch,
)
