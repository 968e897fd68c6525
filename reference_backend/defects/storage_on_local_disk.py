"""Every process keeps its files in a directory of its own."""

import os
from pathlib import Path

from reference_backend.defects import Defect


def _patch() -> None:
    if "STORAGE_DIR" in os.environ:
        own = Path(os.environ["STORAGE_DIR"]) / f"disk-of-{os.environ.get('PORT', os.getpid())}"
        own.mkdir(parents=True, exist_ok=True)
        os.environ["STORAGE_DIR"] = str(own)


DEFECT = Defect(
    title="Stored files are on the disk of one instance: the others cannot serve them",
    source="the first deploy with two instances, everywhere",
    expected=("instances.read-your-writes",),
    patch=_patch,
)
