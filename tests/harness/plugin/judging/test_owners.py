"""Whose finding a broken precondition is, over all checks of a run."""

from harness.events import CheckResult
from harness.findings.finding import Finding
from harness.findings.rule import owners_of
from harness.plugin.judging.owners import with_owners_decided
from harness.verdict import Verdict

RULE = "export.becomes-ready"
[OWNER] = owners_of(RULE)
BROKEN = Finding(rule=RULE, subject="getExport", message="still queued")


def _result(check_id: str, verdict: Verdict, **more: object) -> CheckResult:
    return CheckResult(
        id=check_id, title=check_id, checklist="a line", verdict=verdict, observations=1,
        needed_observations=1, seconds=0.1, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_check_is_blocked_where_an_owner_reported_the_rule() -> None:
    owner = _result(OWNER, Verdict.FAIL, findings=(BROKEN,))
    waiting = _result("claim.fallback", Verdict.INCONCLUSIVE, blocked=(BROKEN,))
    _, decided = with_owners_decided([owner, waiting])
    assert decided.verdict is Verdict.INCONCLUSIVE
    assert decided.message.startswith(f"blocked by {RULE} (see {OWNER})")
    assert not decided.findings


def test_it_is_a_finding_of_its_own_where_the_owners_passed_or_did_not_run() -> None:
    waiting = _result("claim.fallback", Verdict.INCONCLUSIVE, blocked=(BROKEN,), allowed=True)
    for others in ([], [_result(OWNER, Verdict.PASS)]):
        decided = with_owners_decided([*others, waiting])[-1]
        assert decided.verdict is Verdict.FAIL
        assert decided.findings == (BROKEN,)
        assert not decided.allowed
