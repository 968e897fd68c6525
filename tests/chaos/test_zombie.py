"""Telling a zombie's work from its successor's by the time it was done."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chaos.check_worker_pause_zombie import finished_by_another, met_at_work
from chaos.posts import Post
from harness.checkers import Observed
from harness.checkers.examples import MIDNIGHT, told
from harness.errors import Inconclusive
from harness.system import Instance


def at(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def post(name: str, seconds: float) -> Post:
    worker = Instance(name=name, role="worker", base_url="", log_path=Path("none.log"))
    return Post(worker=worker, failpoint="while_working", seconds=seconds)


def ready_at(seconds: float) -> Observed:
    story = f"e1 queued @0\ne1 claimed w1 @1\ne1 returned @4\ne1 claimed w2 @5\ne1 ready @{seconds}"
    return Observed(exports=(), completions=(), transitions=told(story))


TAKEN = {"e1": at(5)}


def test_what_its_owner_had_no_time_for_was_the_zombies_work() -> None:
    [violation] = finished_by_another(ready_at(5.2), TAKEN, post("w2", 1), post("w1", 2), at(5.1))
    assert violation.rule == "finished-by-zombie"
    assert "w2 (attempt 2)" in violation.expected
    assert "w1, whose claim is stale" in violation.came


def test_what_took_its_time_was_the_owners_work() -> None:
    assert not finished_by_another(ready_at(6), TAKEN, post("w2", 1), post("w1", 2), at(5.1))


def test_they_must_have_met() -> None:
    assert met_at_work(ready_at(6), TAKEN, still_asleep_at=at(5.1)) == {"e1"}
    with pytest.raises(Inconclusive, match="they did not meet"):
        met_at_work(ready_at(6), TAKEN, still_asleep_at=at(6.1))
