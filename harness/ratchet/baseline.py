"""A baseline: the findings and the gaps of an earlier run, from its results or from `accept`."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.errors import Misconfigured
from harness.findings.fingerprint import Coordinates, aspect_of, cell_key
from harness.verdict import Verdict

FORMAT = 1
"""Of the file that `shakedown accept` writes."""

RESULTS_SCHEMA = 2

MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class KnownFinding:
    """A finding that is accepted, by its fingerprint."""

    fingerprint: str
    check: str
    """The check that made it, by which a later run tells whether its cell was looked at."""
    rule: str
    subject: str
    cell: Coordinates = ()
    reason: str
    until: date | None = None
    """The last day on which it is accepted; None for no end."""

    def is_clean(self, verdict: str, clean_cells: Collection[str]) -> bool:
        """Whether a run looked where it was found, and found nothing there."""
        if self.cell:
            return cell_key(self.check, self.cell) in clean_cells
        return verdict == Verdict.PASS


@dataclass(frozen=True, kw_only=True)
class KnownGap:
    """An inconclusive check that is accepted, as long as it is so for the same reason."""

    check: str
    why: str
    """Why it was inconclusive, without values that differ between runs."""
    blocked_by: tuple[str, ...] = ()
    """Rules of preconditions that were not met."""
    reason: str
    until: date | None = None


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Everything that is accepted."""

    findings: tuple[KnownFinding, ...] = ()
    gaps: tuple[KnownGap, ...] = ()
    path: Path | None = None


NOTHING_KNOWN = Baseline()

_WRITTEN = TypeAdapter(Baseline)


def gap_reason(message: str) -> str:
    """Give why a check is inconclusive, the same in every run with the same reason."""
    return aspect_of(message)


def read_baseline(path: Path) -> Baseline:
    """Read what `shakedown accept` wrote, or the results.json of a run.

    Raises `Misconfigured` where the file is missing, no such file, or of an older schema.
    """
    plain = read_json(path)
    if "baseline" in plain:
        return _read_accepted(plain, path)
    return of_results(plain, path, reason=f"in the baseline {path.name}", until=None)


def read_json(path: Path) -> Mapping[str, Any]:
    """Read a JSON object from a file of ours. Raises `Misconfigured`."""
    try:
        if path.is_dir():
            path = path / "results.json"
        if path.stat().st_size > MOST_BYTES:
            raise Misconfigured(
                f"{path} is larger than {MOST_BYTES} bytes: it is not the result of a run"
            )
        plain = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be read ({error.strerror}); name the results.json of a run, or a file "
            "that `shakedown accept` wrote"
        ) from error
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path} is not JSON: {error}") from error
    if not isinstance(plain, dict):
        raise Misconfigured(
            f"{path} is not a results.json: expected an object, got a list or value"
        )
    return plain


def of_results(
    plain: Mapping[str, Any], path: Path, *, reason: str, until: date | None
) -> Baseline:
    """Take everything that a run found. Raises `Misconfigured` for an older schema."""
    schema = plain.get("schema")
    if schema != RESULTS_SCHEMA:
        raise Misconfigured(
            f"{path} has schema {schema!r}, expected {RESULTS_SCHEMA}: its findings have no "
            "fingerprints; run `shakedown run` again with this version and use its results.json"
        )
    try:
        return Baseline(
            findings=_findings(plain["checks"], reason, until),
            gaps=_gaps(plain["checks"], reason, until),
            path=path,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{path} is not a results.json of schema 2: {error!r}") from error


def _findings(
    checks: Sequence[Mapping[str, Any]], reason: str, until: date | None
) -> tuple[KnownFinding, ...]:
    found = {
        finding["fingerprint"]: KnownFinding(
            fingerprint=finding["fingerprint"],
            check=check["id"],
            rule=finding["rule"],
            subject=finding["subject"],
            cell=tuple(finding["cell"].items()),
            reason=finding["accepted"] or reason,
            until=until,
        )
        for check in checks
        for finding in check["findings"]
    }
    return tuple(found.values())


def _gaps(
    checks: Sequence[Mapping[str, Any]], reason: str, until: date | None
) -> tuple[KnownGap, ...]:
    return tuple(
        KnownGap(
            check=check["id"],
            why=gap_reason(check["message"]),
            blocked_by=tuple(sorted(check["blocked_by"])),
            reason=reason,
            until=until,
        )
        for check in checks
        if check["verdict"] == "inconclusive" and check["phases"]  # it ran
    )


def _read_accepted(plain: Mapping[str, Any], path: Path) -> Baseline:
    if plain["baseline"] != FORMAT:
        raise Misconfigured(f"{path}: expected baseline {FORMAT}, got {plain['baseline']!r}")
    content = {name: value for name, value in plain.items() if name != "baseline"}
    for finding in content.get("findings", []):
        if isinstance(finding, dict) and isinstance(finding.get("cell"), dict):
            finding["cell"] = list(finding["cell"].items())
    try:
        return replace(_WRITTEN.validate_python(content), path=path)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Misconfigured(f"{path}: {place}: {first['msg']}") from error


def as_text(baseline: Baseline) -> str:
    """Give the file that `shakedown accept` writes: sorted, so that a diff shows what changed."""
    findings = [
        _plain(each) | {"cell": dict(each.cell)}
        for each in sorted(
            baseline.findings, key=lambda each: (each.rule, each.subject, each.fingerprint)
        )
    ]
    gaps = [_plain(each) for each in sorted(baseline.gaps, key=lambda each: each.check)]
    plain = {"baseline": FORMAT, "findings": findings, "gaps": gaps}
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def _plain(known: KnownFinding | KnownGap) -> dict[str, Any]:
    plain = asdict(known)
    plain["until"] = known.until.isoformat() if known.until else None
    return plain
