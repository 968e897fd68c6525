"""A baseline: what is known does not count, what is new does, nothing is called fixed unseen."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.events import CheckResult, Phase, RunSummary, TargetFacts
from harness.findings.finding import CellCounts, Finding
from harness.findings.fingerprint import cell_key
from harness.findings.rule import owners_of
from harness.plugin.session.run import verdict_of
from harness.ratchet.acceptance import Acceptances, accept
from harness.ratchet.baseline import Baseline, as_text, of_results, read_baseline
from harness.ratchet.change import change_of
from harness.reports.results_json import as_json, results
from harness.target.tables.accepted import Accepted
from harness.verdict import Verdict
from tests.harness.reports.conftest import STARTED

TODAY = date(2026, 12, 1)
CALL = (Phase(name="call", seconds=0.1, verdict=Verdict.FAIL),)
CHECK = "tenancy.matrix"
READY = "export.becomes-ready"
[OWNER] = owners_of(READY)


def _finding(operation: str, rule: str = CHECK) -> Finding:
    return Finding(
        rule=rule, subject=operation, cell=(("operation", operation),), aspect="status NOT_FOUND",
        message=f"expected 404 from {operation}", expected="404", got="200",
    )  # fmt: skip


def _result(check_id: str, verdict: Verdict, **more: object) -> CheckResult:
    return CheckResult(
        id=check_id, title=check_id, checklist="a line", verdict=verdict, observations=1,
        needed_observations=1, seconds=0.1, phases=CALL, **more,  # type: ignore[arg-type]
    )  # fmt: skip


FAILED = _result(CHECK, Verdict.FAIL, findings=(_finding("getJob"), _finding("listJobs")))
PASSED = _result("golden.upload", Verdict.PASS)
OPEN = _result("hash.tamper", Verdict.INCONCLUSIVE, message="this target does not offer: spawn")


def _summary(*checks: CheckResult) -> RunSummary:
    facts = TargetFacts(name="t", api_instances=1, workers=1, postgres=None)
    return RunSummary(
        verdict=Verdict.FAIL, exit_code=1, seed=1, profile="quick", started_at=STARTED, seconds=1,
        bring_up_seconds=1, target=facts, checks=checks, report_path=Path("report"),
    )  # fmt: skip


def _baseline(*checks: CheckResult, until: date | None = None) -> Baseline:
    plain = results(_summary(*checks))
    return of_results(plain, Path("results.json"), reason="known", until=until)


def test_a_run_with_only_known_findings_is_green_and_its_check_stays_red() -> None:
    acceptances = Acceptances(baseline=_baseline(FAILED, PASSED, OPEN), today=TODAY)
    decided, ratchet = accept([FAILED, PASSED, OPEN], acceptances)
    assert verdict_of(decided) is Verdict.PASS
    assert decided[0].verdict is Verdict.FAIL
    assert [each.accepted for each in decided[0].findings] == ["known", "known"]
    assert ratchet is not None
    assert (ratchet.known, ratchet.new, ratchet.fixed, ratchet.not_seen) == (2, (), (), ())


def test_one_more_is_red_and_named() -> None:
    worse = replace(FAILED, findings=(*FAILED.findings, _finding("getExport")))
    decided, ratchet = accept(
        [worse, PASSED], Acceptances(baseline=_baseline(FAILED, PASSED), today=TODAY)
    )
    assert verdict_of(decided) is Verdict.FAIL
    assert ratchet is not None
    assert ratchet.new == (_finding("getExport").fingerprint,)


def test_one_fewer_is_fixed_only_where_its_cell_was_looked_at_and_is_clean() -> None:
    baseline = _baseline(FAILED, PASSED)
    better = replace(FAILED, findings=FAILED.findings[:1])
    clean = CellCounts(clean=(cell_key(CHECK, (("operation", "listJobs"),)),))
    for now, fixed, not_seen in (
        (replace(better, cells=clean), 1, 0),
        (better, 0, 1),  # the check crashed before it came there
        (PASSED, 0, 2),  # --only: the check did not run
    ):
        _, ratchet = accept([now], Acceptances(baseline=baseline, today=TODAY))
        assert ratchet is not None
        assert (len(ratchet.fixed), len(ratchet.not_seen)) == (fixed, not_seen)


def test_a_run_in_which_nothing_passes_is_no_pass() -> None:
    decided, _ = accept([FAILED], Acceptances(baseline=_baseline(FAILED), today=TODAY))
    assert verdict_of(decided) is Verdict.INCONCLUSIVE


def test_a_gap_is_allowed_only_for_the_reason_it_had() -> None:
    baseline = _baseline(PASSED, OPEN)
    crashed = replace(OPEN, message="the check crashed: KeyError")
    for now, expected in ((OPEN, Verdict.PASS), (crashed, Verdict.INCONCLUSIVE)):
        decided, _ = accept([PASSED, now], Acceptances(baseline=baseline, today=TODAY))
        assert verdict_of(decided) is expected


def test_what_an_accepted_finding_blocks_is_allowed() -> None:
    broken = _finding("getExport", READY)
    owner = _result(OWNER, Verdict.FAIL, findings=(broken,))
    blocked = _result("claim.fallback", Verdict.INCONCLUSIVE, blocked=(broken,))
    pattern = Accepted(rule=READY, reason="one worker only")
    decided, ratchet = accept(
        [owner, PASSED, blocked], Acceptances(patterns=(pattern,), today=TODAY)
    )
    assert verdict_of(decided) is Verdict.PASS
    assert ratchet is not None
    assert ratchet.blocked == 1


def test_more_than_a_thousand_findings_of_a_check_are_never_accepted() -> None:
    many = replace(FAILED, findings=tuple(_finding(f"op{n}") for n in range(1001)))
    decided, _ = accept([many, PASSED], Acceptances(baseline=_baseline(many), today=TODAY))
    assert verdict_of(decided) is Verdict.FAIL


def test_what_is_accepted_until_a_day_counts_after_it_and_is_named() -> None:
    baseline = _baseline(FAILED, PASSED, until=date(2026, 11, 30))
    decided, ratchet = accept([FAILED, PASSED], Acceptances(baseline=baseline, today=TODAY))
    assert verdict_of(decided) is Verdict.FAIL
    assert ratchet is not None
    assert len(ratchet.expired) == 2


def _written(path: Path, *checks: CheckResult) -> Path:
    path.write_text(as_json(_summary(*checks)), encoding="utf-8")
    return path


def test_accepting_a_partial_run_drops_no_entry(tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    known.write_text(as_text(_baseline(FAILED, OPEN)), encoding="utf-8")
    partial = _written(tmp_path / "results.json", PASSED)
    change = change_of(partial, known, patterns=(), reason="later", until=None)
    assert not change.is_any
    assert len(change.after.findings) == 2
    assert len(change.kept) == 3


def test_accepting_adds_what_is_new_and_takes_out_what_is_fixed(tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    known.write_text(as_text(_baseline(FAILED)), encoding="utf-8")
    clean = CellCounts(clean=(cell_key(CHECK, (("operation", "listJobs"),)),))
    now = replace(FAILED, findings=(_finding("getJob"), _finding("getExport")), cells=clean)
    run = _written(tmp_path / "results.json", now)
    change = change_of(run, known, patterns=(), reason="later", until=TODAY)
    assert [line.split()[2] for line in change.added] == ["getExport"]
    assert [line.split()[2] for line in change.fixed] == ["listJobs"]
    known.write_text(as_text(change.after), encoding="utf-8")
    again = read_baseline(known)
    assert {(each.subject, each.reason, each.until) for each in again.findings} == {
        ("getJob", "known", None),
        ("getExport", "later", TODAY),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": 1, "checks": []}', "schema 1"),
        ("[]", "expected an object"),
        ("{", "not JSON"),
        ('{"schema": 2}', "checks"),
        ('{"schema": 2, "checks": [{"id": 1}]}', "schema 2"),
        ('{"baseline": 9}', "baseline"),
        ('{"baseline": 1, "findings": [{"rule": "x"}]}', "findings.0"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused_with_what_was_expected(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "known.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=said):
        read_baseline(path)


def test_a_pattern_that_matches_no_finding_is_refused(tmp_path: Path) -> None:
    run = _written(tmp_path / "results.json", FAILED)
    with pytest.raises(Misconfigured, match="no such finding"):
        change_of(run, tmp_path / "known.json", patterns=("nope",), reason="x", until=None)


@pytest.mark.parametrize("table", [{"reason": "x"}, {"fingerprint": "0" * 16, "rule": "a*"}])
def test_a_table_that_accepts_everything_or_contradicts_itself_is_refused(
    table: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match="fingerprint"):
        Accepted.model_validate(table | {"reason": "x"})
