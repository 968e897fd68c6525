"""Whether a worker stands at its failpoint, and with what."""

from pathlib import Path

import pytest

from chaos.workers.parked_workers import ParkedWorker, last_claims, refuse_unknown_workers
from harness.checkers.examples import transitions_of
from harness.errors import Inconclusive
from harness.system import Instance

SETTING = "before_commit=sleep:60"


def worker_with(log: str, directory: Path) -> ParkedWorker:
    path = directory / "worker-1.log"
    path.write_text(log)
    worker = Instance(name="worker-1", role="worker", base_url="http://127.0.0.1:1", log_path=path)
    return ParkedWorker(worker=worker, failpoint="before_commit", seconds=60, setting=SETTING)


def test_each_time_that_the_log_names_the_failpoint_counts(tmp_path: Path) -> None:
    log = f"failpoints are armed: {SETTING}\nfailpoint before_commit: sleep\nat before_commit\n"
    assert worker_with(log, tmp_path).times_reached() == 2


def test_a_line_that_repeats_the_setting_does_not_count(tmp_path: Path) -> None:
    assert worker_with(f"failpoints are armed: {SETTING}\n", tmp_path).times_reached() == 0


def test_another_failpoint_with_a_longer_name_does_not_count(tmp_path: Path) -> None:
    assert worker_with("failpoint not_before_commit_yet\n", tmp_path).times_reached() == 0


def test_the_last_claim_decides_who_owns_an_export() -> None:
    steps = transitions_of(
        "e1 queued\ne2 queued\ne1 claimed w1\ne2 claimed w1\ne1 returned\ne1 claimed w2"
    )
    assert last_claims(steps) == {"w1": {"e2"}, "w2": {"e1"}}


def test_an_unknown_owner_is_inconclusive_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Inconclusive, match=r"host-17.*\{instance\}"):
        refuse_unknown_workers({"host-17": {"e1"}}, [worker_with("", tmp_path)])
