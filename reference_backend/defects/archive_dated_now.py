"""Entries of the ZIP carry the time at which they were written, as most archivers do."""

import time
import zipfile

from reference_backend import archive
from reference_backend.defects import Defect


def _patch() -> None:
    clean = archive._entry  # noqa: SLF001

    def dated(name: str) -> zipfile.ZipInfo:
        entry = clean(name)
        entry.date_time = time.gmtime()[:6]
        return entry

    archive._entry = dated  # noqa: SLF001


DEFECT = Defect(
    title="ZIP entries carry the current time: a second attempt writes other bytes than the first",
    source="R24, and every archive that is to be reproducible",
    expected=("manifest.files-match",),
    patch=_patch,
)
