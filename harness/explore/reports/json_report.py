"""An exploration as JSON, for machines (`explore.json`, described in docs/explore.md)."""

from typing import Any

from harness.explore.exploration import Exploration, Finding
from harness.explore.reports.render import render_finding
from harness.explore.rules.violation import RULES
from harness.explore.scripts.scenario import Kind


def as_json(found: Exploration, *, seed: int, left_out: list[Kind]) -> dict[str, Any]:
    """Give everything that is worth keeping of an exploration."""
    return {
        "schema": 1,
        "verdict": verdict(found),
        "seed": seed,
        "seconds": round(found.seconds, 3),
        "run": found.run,
        "merged": found.merged,
        "stopped_by": found.stopped_by,
        "not_looked_at": found.not_looked_at,
        "rules": [rule for rule in RULES if rule in found.rules],
        "left_out": [kind.value for kind in left_out],
        "retriable_errors": dict(found.retriable_errors),
        "scenarios": [
            {
                "title": each.planned.scenario.title,
                "scripts": [
                    [f"{act}+" if act.held else str(act) for act in script]
                    for script in each.planned.scenario.scripts
                ],
                "exports": list(each.planned.scenario.exports),
                "limit": each.planned.scenario.limit,
                "cap": each.planned.scenario.cap,
                "interleavings": each.planned.interleavings,
                "sample": each.planned.sample,
                "run": each.run,
                "merged": each.merged,
                "violating": each.violating,
                "complete": each.complete,
            }
            for each in found.covered
        ],
        "violations": [
            _finding(finding, found.broken[rule]) for rule, finding in found.findings.items()
        ],
    }


def verdict(found: Exploration) -> str:
    """`fail`: a rule was broken; `inconclusive`: not everything was looked at; else `pass`."""
    if found.findings:
        return "fail"
    return "pass" if found.is_conclusive else "inconclusive"


def _finding(finding: Finding, times: int) -> dict[str, Any]:
    return {
        "rule": finding.violation.rule,
        "expected": finding.violation.expected,
        "came": finding.violation.got,
        "interleavings": times,
        "scenario": finding.title,
        "schedule": list(finding.trace.schedule),
        "steps": len(finding.trace.schedule),
        "shrunk_from": finding.shrunk_from,
        "told": render_finding(finding),
    }
