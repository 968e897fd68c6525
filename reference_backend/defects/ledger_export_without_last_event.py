"""A range that is inclusive where it is read and exclusive where it is written."""

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
        but_the_last = list(ledger_lines)[:-1]
        return clean(target, export, evidence, but_the_last, open_object, on_progress)

    archive.write = write


DEFECT = Defect(
    title="An exported ledger lacks its last event, which the manifest names as the head",
    source="Q9's family: `<` in one place, `<=` in the other",
    expected=("golden.export-download",),
    patch=_patch,
)
