"""Verifying an export without a manifest is refused."""

from __future__ import annotations

from typing import Any

from reference_backend.api.problems import Problem
from reference_backend.defects import Defect, _helpers
from reference_backend.manifest.records import ExportRecords
from reference_backend.manifest.verify import ManifestVerdict


def _around(clean: _helpers.Verifier) -> _helpers.Verifier:
    async def refuse(export: ExportRecords, *more: Any) -> ManifestVerdict:  # noqa: ANN401
        if export.state != "ready":
            raise Problem("export_not_ready", "There is no manifest yet.")
        return await clean(export, *more)

    return refuse


def _patch() -> None:
    _helpers.replace_verifier(_around)


DEFECT = Defect(
    title="Verifying an export that is not ready answers 409 instead of three times false",
    source="known: the check of the download, copied",
    expected=("golden.manifest", "golden.export-download"),
    patch=_patch,
)
