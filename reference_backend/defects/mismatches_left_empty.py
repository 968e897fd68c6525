"""verifyManifest says that something is wrong, but not what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reference_backend.defects import Defect, _helpers
from reference_backend.manifest.verify import ManifestVerdict


def _around(clean: _helpers.Verifier) -> _helpers.Verifier:
    async def hide(*arguments: Any) -> ManifestVerdict:  # noqa: ANN401
        verdict = await clean(*arguments)
        files = tuple(replace(file, ok=True, reason=None) for file in verdict.files)
        return replace(verdict, files=files, mismatches=())

    return hide


def _patch() -> None:
    _helpers.replace_verifier(_around)


DEFECT = Defect(
    title="Tampering is detected but not located: every file is ok and no mismatch is listed",
    source="known: a verification that answers false and leaves the search to the reader",
    expected=("manifest.tamper-nested",),
    patch=_patch,
)
