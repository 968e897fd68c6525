"""`results.json`: a run for programs to read. docs/results.md describes it."""

import json
import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.coverage import CoverageTable
from harness.events import CheckResult, Event, Reporter, RunFinished, RunSummary
from harness.findings.finding import Finding
from harness.reports.causes import Cause, causes_of

SCHEMA = 2

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
        "version": summary.version,
        "profile": summary.profile,
        "seed": summary.seed,
        "started_at": summary.started_at.isoformat(timespec="milliseconds"),
        "seconds": round(summary.seconds, 3),
        "bring_up_seconds": (
            None if summary.bring_up_seconds is None else round(summary.bring_up_seconds, 3)
        ),
        "target": asdict(summary.target),
        "checks": [_check(result) for result in summary.checks],
        "causes": [_cause(cause) for cause in causes_of(summary)],
        "unmet_words": list(summary.unmet_words),
        "ratchet": asdict(summary.ratchet) if summary.ratchet else None,
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
        "allowed": result.allowed,
        "findings": [_finding(finding) for finding in result.findings],
        "blocked_by": list(dict.fromkeys(finding.rule for finding in result.blocked)),
        "cells": {
            "looked_at": result.cells.looked_at,
            "findings": result.cells.findings,
            "blocked": result.cells.blocked,
            "not_looked_at": result.cells.not_looked_at,
            "absent": result.cells.absent,
            "absent_names": [
                {"name": name, "cells": number} for name, number in result.cells.absent_names
            ],
            "reasons": [
                {"reason": reason, "cells": number} for reason, number in result.cells.reasons
            ],
            "clean": list(result.cells.clean),
        },
        "fewer": [{"reason": reason, "observations": n} for reason, n in result.fewer],
        "asks": {
            "whole": list(result.asked.whole),
            "part": list(result.asked.part),
            "left_out": dict(result.asked.left_out),
        },
        "phases": [
            {"name": phase.name, "seconds": phase.seconds, "verdict": str(phase.verdict)}
            for phase in result.phases
        ],
        "reproduce": result.reproduce,
        "coverage": [_table(table) for table in result.coverage],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "subject": finding.subject,
        "cell": dict(finding.cell),
        "expected": finding.expected,
        "got": finding.got,
        "detail": finding.detail,
        "message": finding.message,
        "where": finding.where,
        "evidence": [
            {
                "kind": each.kind,
                "title": each.title,
                "text": each.text,
                "files": list(each.files),
            }
            for each in finding.evidence
        ],
        "fingerprint": finding.fingerprint,
        "accepted": finding.accepted,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "rule": cause.rule,
        "severity": str(cause.severity),
        "sentence": cause.sentence,
        "subjects": list(cause.subjects),
        "checks": list(cause.checks),
        "blocks": list(cause.blocks),
        "fingerprints": [finding.fingerprint for finding in cause.findings],
        "accepted": cause.accepted,
    }


def _table(table: CoverageTable) -> dict[str, Any]:
    cells = [list(cell) for cell in table.cells]
    return {"name": table.name, "axes": list(table.axes), "cells": cells}
