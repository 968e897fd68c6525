"""What an instance logged while it answered: its own lines, of that moment, bounded, redacted."""

from pathlib import Path

from harness.events import CheckResult
from harness.findings.curl import EvidenceFiles, as_evidence
from harness.findings.exchanges import note_exchange, remembering
from harness.findings.finding import Finding
from harness.findings.log_window import (
    AFTERWARDS_BYTES,
    LONGEST_LINE,
    MOST_BYTES,
    MOST_LINES,
    LogWindow,
    workers_evidence,
)
from harness.redaction.redactor import Redactor
from harness.reports.describe import explanation_lines
from harness.verdict import Verdict


def test_what_was_logged_before_is_not_shown_and_what_came_right_after_is(tmp_path: Path) -> None:
    log = tmp_path / "api-1.log"
    log.write_text("started\nanother request failed\n")
    begun = LogWindow.begun(log)
    with log.open("a") as file:
        file.write("Traceback\n\nDiskFull: no space\n")
    window = begun.ended()
    with log.open("a") as file:
        file.write("GET /api/jobs 500\n" + "x" * AFTERWARDS_BYTES + "\nmuch later\n")
    lines = window.lines()
    assert lines[:3] == ["Traceback", "DiskFull: no space", "GET /api/jobs 500"]
    assert "much later" not in lines


def test_each_worker_that_logged_something_is_shown(tmp_path: Path) -> None:
    logs = [tmp_path / f"worker-{number}.log" for number in (1, 2)]
    begun = [LogWindow.begun(log) for log in logs]
    logs[1].write_text("".join(f"try {number}: no object\n" for number in range(9)))
    (shown,) = workers_evidence(begun)
    assert (shown.kind, shown.title) == ("log", "log of worker-2 during the wait")
    assert shown.text.splitlines() == [f"try {number}: no object" for number in (5, 6, 7, 8)]


def test_nothing_is_shown_where_nothing_was_logged_or_no_log_is(tmp_path: Path) -> None:
    log = tmp_path / "api-1.log"
    log.write_text("started\n")
    assert LogWindow.begun(log).ended().lines() == []
    assert LogWindow.begun(tmp_path / "none.log").ended().lines() == []


def test_it_is_bounded_however_much_is_logged(tmp_path: Path) -> None:
    log = tmp_path / "api-1.log"
    begun = LogWindow.begun(log)
    log.write_text("".join(f"line {number} {'x' * 1000}\n" for number in range(10_000)))
    lines = begun.ended().lines()
    assert len(lines) <= min(MOST_LINES, MOST_BYTES // 1000)
    assert lines[-1].startswith("line 9999 ")
    assert {len(line) for line in lines} == {LONGEST_LINE + 1}


def test_it_is_evidence_of_its_own_before_the_request_without_secrets(tmp_path: Path) -> None:
    log = tmp_path / "api-2.log"
    begun = LogWindow.begun(log)
    log.write_text("connecting with hush-hush-0815\nValueError: \x1b[2J\n")
    files = EvidenceFiles(tmp_path / "evidence", Redactor(["hush-hush-0815"]))
    with remembering() as recent:
        for window in (None, begun):
            note_exchange(
                method="GET", url="http://127.0.0.1:1/api/jobs", headers={}, body=None,
                instance=1, status=500, log=window,
            )  # fmt: skip
        shown = as_evidence(recent.last(2), files)
    assert [each.kind for each in shown] == ["exchange", "log", "exchange"]
    assert shown[1].title == "log of API instance 2 during GET http://127.0.0.1:1/api/jobs"
    assert "hush-hush" not in shown[1].text
    assert "\x1b" not in shown[1].text
    finding = Finding(
        rule="own.one", subject="listJobs", aspect="status", message="", expected="200",
        got="500", evidence=shown,
    )  # fmt: skip
    result = CheckResult(
        id="own.one", title="A title", checklist="a line", verdict=Verdict.FAIL, observations=1,
        needed_observations=1, seconds=0.1, findings=(finding,),
    )  # fmt: skip
    told = "\n".join(explanation_lines(result))
    assert "logged    ValueError: " in told
    assert "(log of API instance 2)" in told
    assert "request   curl -sS -i" in told
