"""`results.json`: a run for programs to read. docs/results.md describes it."""

import json
import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.coverage import CoverageTable
from harness.events import CheckResult, Event, Reporter, RunFinished, RunSummary

SCHEMA = 1

_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")


class ResultsJson(Reporter):
    """Writes `results.json` when the run is over."""

    def __init__(self, report_path: Path) -> None:
        self._path = report_path / "results.json"

    def handle(self, event: Event) -> None:
        """Write the file on the last event."""
        if isinstance(event, RunFinished):
            _write(self._path, event.summary)


def correct_results(report_path: Path, summary: RunSummary) -> None:
    """Write the file again, where the run ended otherwise than it was about to say.

    Where that cannot be done there is none: better than one that says something else than the
    exit code.
    """
    path = report_path / "results.json"
    try:
        _write(path, summary)
    except OSError:
        for each in (path, _unfinished(path)):
            with suppress(OSError):
                each.unlink(missing_ok=True)


def _write(path: Path, summary: RunSummary) -> None:
    _unfinished(path).write_text(as_json(summary), encoding="utf-8")
    _unfinished(path).replace(path)  # a reader never sees a half of it


def _unfinished(path: Path) -> Path:
    return path.with_suffix(".json.part")


def as_json(summary: RunSummary) -> str:
    """Give the file's text: readable letters as they are, everything else as a JSON escape."""
    text = json.dumps(results(summary), indent=2, ensure_ascii=False) + "\n"
    return _NOT_ASCII.sub(
        lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text
    )


def results(summary: RunSummary) -> dict[str, Any]:
    """Give a run as docs/results.md describes it."""
    return {
        "schema": SCHEMA,
        "verdict": str(summary.verdict),
        "exit_code": summary.exit_code,
        "seed": summary.seed,
        "started_at": summary.started_at.isoformat(timespec="milliseconds"),
        "seconds": round(summary.seconds, 3),
        "bring_up_seconds": (
            None if summary.bring_up_seconds is None else round(summary.bring_up_seconds, 3)
        ),
        "target": asdict(summary.target),
        "checks": [_check(result) for result in summary.checks],
    }


def _check(result: CheckResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "title": result.title,
        "checklist": result.checklist,
        "verdict": str(result.verdict),
        "observations": result.observations,
        "needed_observations": result.needed_observations,
        "seconds": round(result.seconds, 3),
        "message": result.message,
        "coverage": [_table(table) for table in result.coverage],
    }


def _table(table: CoverageTable) -> dict[str, Any]:
    cells = [list(cell) for cell in table.cells]
    return {"name": table.name, "axes": list(table.axes), "cells": cells}
