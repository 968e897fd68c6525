"""The result of a check, with its log, safe to report: secrets are hidden in what it holds."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from harness.events import CheckResult
from harness.findings.finding import Finding
from harness.plugin.checking.check_state import STATE, CheckState
from harness.plugin.checking.outcomes import is_allowed, needed_observations
from harness.plugin.collecting.collection import SPEC
from harness.plugin.context import redactor_of
from harness.plugin.settings import settings_of
from harness.untrusted.sanitizing import shorten
from harness.verdict import Verdict

LOG_CHARACTERS = 1_000_000
"""The longest log of one check: longer than any traceback, shorter than a backend can make it."""

RESULT = TypeAdapter(CheckResult)
"""Takes a result apart, and builds it again, on its way from worker to controller."""


def result_of(item: pytest.Item) -> CheckResult:
    """Give what the three phases of a check add up to."""
    state, spec = item.stash[STATE], item.stash[SPEC]
    settings, redact = settings_of(item.config), redactor_of(item.config)

    def safe(text: str) -> str:
        return shorten(redact(text))  # in this order: half a secret is not recognized

    cells = state.cells
    findings = tuple(_without_secrets(each, safe) for each in cells.findings)
    blocked = tuple(_without_secrets(each, safe) for each in cells.blocked)
    still_open = [each for each in state.outcomes if each.verdict is Verdict.INCONCLUSIVE]
    verdict = Verdict.INCONCLUSIVE if blocked or still_open else Verdict.PASS
    message, where = "", ""
    if found := findings or blocked:
        verdict = Verdict.FAIL if findings else verdict
        message, where = found[0].message, found[0].where
    elif still_open:
        message, where = safe(still_open[0].message), still_open[0].where
    if len(findings) > 1:
        message += f"\n(and {len(findings) - 1} more findings)"
    return CheckResult.of(
        spec,
        verdict,
        observations=state.observations.count,
        needed_observations=needed_observations(item, state),
        fewer=tuple((safe(why), n) for why, n in state.observations.excused.items()),
        asked=state.asked.frozen(),
        seconds=round(time.monotonic() - state.began, 3),
        message=message,
        where=where,
        log=_write_log(item, state) if state.outcomes else "",
        reproduce=settings.reproduce_command(spec.id),
        allowed=verdict is Verdict.INCONCLUSIVE and is_allowed(item),
        coverage=tuple(table.redacted(redact) for table in state.coverage.tables()),
        findings=findings,
        blocked=blocked,
        cells=cells.counts(),
        phases=tuple(state.phases),
    )


def _without_secrets(finding: Finding, safe: Callable[[str], str]) -> Finding:
    """Hide secrets in what comes from the backend."""
    evidence = (
        replace(each, title=safe(each.title), text=safe(each.text)) for each in finding.evidence
    )
    return replace(
        finding,
        subject=safe(finding.subject),
        cell=tuple((name, safe(value)) for name, value in finding.cell),
        aspect=safe(finding.aspect),
        expected=safe(finding.expected),
        got=safe(finding.got),
        detail=safe(finding.detail),
        message=safe(finding.message),
        evidence=tuple(evidence),
    )


def _write_log(item: pytest.Item, state: CheckState) -> str:
    """Keep traceback and captured output; the terminal shows only the message."""
    if not state.log:
        return ""
    settings, spec = settings_of(item.config), item.stash[SPEC]
    path = check_log(settings.report_path, spec.id)
    path.parent.mkdir(exist_ok=True)
    text = "\n\n".join(
        [f"{spec.id}: {spec.title}", settings.reproduce_command(spec.id), *state.log]
    )
    # Cut after the redaction: a cut through a secret would leave half of it.
    path.write_text(
        shorten(redactor_of(item.config)(text), LOG_CHARACTERS) + "\n", encoding="utf-8"
    )
    return str(path)


def check_log(report_path: Path, check_id: str) -> Path:
    """Where the log of a check goes."""
    safe = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in check_id)
    return report_path / "checks" / f"{safe}.log"
