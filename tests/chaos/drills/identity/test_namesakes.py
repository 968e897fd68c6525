"""Two workers get one name where the target file gives names, and metrics say which there are."""

from types import SimpleNamespace
from typing import cast

import pytest

from chaos.drills.identity.namesakes import Namesakes, require_names
from chaos.drills.identity.registered_workers import workers_in
from chaos.drills.worker_drill import WorkerDrill
from harness.checkers import ExportFacts
from harness.checkers.examples import example
from harness.checkers.recovery import TIMES_OF_EXAMPLES
from harness.errors import Inconclusive
from harness.target import Target, load_target


def test_a_target_that_names_no_workers_is_told_what_to_write() -> None:
    target = load_target()
    require_names(target)
    assert target.worker is not None
    for environment in ({}, {"WORKER_NAME": "fixed"}):
        worker = target.worker.model_copy(update={"environment": environment})
        nameless = target.model_copy(update={"worker": worker})
        with pytest.raises(Inconclusive, match=r"write it with \{instance\} into"):
            require_names(nameless)
    by_command = target.worker.model_copy(
        update={"environment": {}, "command": ("work", "--name={instance}")}
    )
    require_names(target.model_copy(update={"worker": by_command}))


def test_what_was_taken_back_after_silence_is_no_theft() -> None:
    drill = cast("WorkerDrill", SimpleNamespace(times=TIMES_OF_EXAMPLES))
    names = Namesakes(drill=drill, can_lock=True)
    steps = (
        "e1 queued, e2 queued, e1 claimed w1 @9, e2 claimed w1 @9, e1 beats @10, e2 beats @10, "
        "e1 returned @12, e2 returned @11"
    )
    seen = ExportFacts(exports=[], completions=[], transitions=example("", steps).transitions)
    assert names.lost_in_silence(seen) == {("e1", 1)}


def test_workers_in_metrics() -> None:
    text = """# HELP worker_heartbeat_age_seconds Since the last heartbeat
# TYPE worker_heartbeat_age_seconds gauge
worker_heartbeat_age_seconds{worker="worker-1"} 0.2
worker_heartbeat_age_seconds{pod="a",worker="worker-2"} 1.5
other_age_seconds{worker="worker-3"} 1
"""
    assert workers_in(text) == {"worker-1", "worker-2"}


def test_why_no_export_had_to_be_kept() -> None:
    target = load_target()
    assert target.worker is not None
    bare = target.model_copy(
        update={
            "api": target.api.model_copy(update={"environment": {}}),
            "worker": target.worker.model_copy(update={"environment": {}}),
        }
    )
    stuck_s = TIMES_OF_EXAMPLES.stuck_timeout_s

    def why(of: Target, frozen_s: float, *, can_lock: bool = False) -> str:
        drill = SimpleNamespace(times=TIMES_OF_EXAMPLES, target=of)
        names = Namesakes(drill=cast("WorkerDrill", drill), can_lock=can_lock, frozen_s=frozen_s)
        return names.why_none_kept()

    assert "write {stuck_timeout_s} and {drain_grace_s} into" in why(bare, stuck_s + 1)
    assert "a longer [worker] stuck_timeout_s leaves" in why(target, stuck_s + 1)
    assert "name the table of evidence" in why(target, stuck_s)
    assert "frozen" not in why(bare, 0.0)
    assert "catalog" not in why(bare, 0.0, can_lock=True)
