"""The ZIP says which attempt has made it."""

import zipfile
from collections.abc import Callable, Iterable
from typing import IO

from reference_backend import archive
from reference_backend.defects import Defect
from reference_backend.manifest.document import ExportIdentity
from reference_backend.manifest.evidence import EvidenceFile


def _patch() -> None:
    clean = archive.write

    def write(
        target: IO[bytes],
        export: ExportIdentity,
        evidence: Iterable[EvidenceFile],
        ledger_lines: Iterable[str],
        open_object: Callable[[str], IO[bytes]],
        on_progress: Callable[[int], None],
    ) -> bytes:
        manifest = clean(target, export, evidence, ledger_lines, open_object, on_progress)
        with zipfile.ZipFile(target, "a") as made:
            made.comment = f"attempt {getattr(export, 'attempt', 1)}".encode()
        return manifest

    archive.write = write


DEFECT = Defect(
    title="The ZIP carries the number of its attempt: a second attempt stores other bytes, at another path, than the first",
    source="R24: build numbers in what is to be reproducible",
    expected=("chaos.second-attempt",),
    patch=_patch,
)
