"""Keeps what the instances of a system wrote, before the run's own directory is removed."""

from pathlib import Path

from harness.redaction.redactor import Redactor

MOST_BYTES = 8 * 1024 * 1024
"""Of a longer log only the end is kept: a report is looked at, and uploaded by CI."""


def keep_logs(run_dir: Path, report_path: Path, redact: Redactor) -> None:
    """Copy the logs of all instances of a run to the report, without secrets.

    Those of the shared system go to `logs/`, those of a check's own system to a folder in it.
    """
    for log in sorted((run_dir / "logs").glob("*/*.log")):
        system = log.parent.name
        folder = report_path / "logs" / ("" if system == "main" else system)
        folder.mkdir(parents=True, exist_ok=True)
        _copy_end(log, folder / log.name, redact)


def _copy_end(log: Path, kept: Path, redact: Redactor) -> None:
    size = log.stat().st_size
    with log.open("rb") as source, kept.open("w", encoding="utf-8") as copy:
        if size > MOST_BYTES:
            source.seek(size - MOST_BYTES)
            source.readline()  # the rest of a line is none
            copy.write(f"[shakedown: the first {source.tell()} bytes are left out]\n")
        # Line by line: neither memory nor a secret's redaction depends on the file's size.
        for line in source:
            copy.write(redact(line.decode("utf-8", errors="replace")))
