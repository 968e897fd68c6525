"""A history as a drill writes it: a worker is killed, and another one does what it had begun."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from harness.checkers import Looks, Orphan, RecoveryTimes, Transition
from harness.checkers.examples import MIDNIGHT, transitions_of
from harness.checkers.facts import CompletionFact, ExportFact
from harness.checkers.read_database import ExportFacts
from harness.checkers.recovery import harmed_fields, promise_fields
from harness.history import HistoryWriter
from harness.history.entries import Check

E1, E2 = ("10000000-0000-4000-8000-00000000000" + digit for digit in "12")
DRILL = "chaos.worker-kill"
STORY = f"""
    {E1} queued @1
    {E2} queued @2
    {E1} claimed worker-1 @3
    {E2} claimed worker-2 @4
    {E1} beats @5
    {E2} ready @6
    {E1} returned @7.2
    {E1} claimed worker-2 @8
    {E1} ready @9
    """
TIMES = RecoveryTimes(stuck_timeout_s=2, sweep_interval_s=0.5, slack_s=0.5)
DIGEST = "ab" * 32

Line = dict[str, Any]


def with_tokens() -> list[Transition]:
    """The changes of the story, with a claim token for each claim."""
    held: dict[str, str | None] = {}
    steps = []
    for step in transitions_of(STORY):
        before = held.get(step.export_id)
        if step.is_claim:
            held[step.export_id] = f"{step.n:032x}"
        elif step.new_state == "queued":
            held[step.export_id] = None
        token = held.get(step.export_id)
        steps.append(replace(step, organization_id="o1", old_token=before, token=token))
    return steps


def write_story(path: Path) -> None:
    """A worker is killed, another one does what it had begun: a pass."""
    with HistoryWriter(path) as writer:
        history = writer.of(DRILL)
        looks = Looks(history)
        looks.promise(cap=2, max_attempts=3, **promise_fields(TIMES))
        for job in (E1, E2):
            history.write("invoke", "requestExport", process="backlog", org="o1")
            history.write("ok", "requestExport", process="backlog", org="o1", job=job)
            history.write("ok", "getExport", process="backlog", org="o1", job=job)
        history.write("ok", "createJob", process="backlog", org="o2", job="j2")
        kill: Line = {"process": "chaos", "worker": "worker-1"}
        history.write("invoke", "kill", **kill)
        history.write("info", "kill", step="requested", **kill)
        history.write("info", "kill", step="victim", **kill)
        history.write("ok", "kill", step="effect", seen="no heartbeat", **kill)
        heartbeat = MIDNIGHT + timedelta(seconds=5)
        orphan = Orphan(
            export_id=E1, attempt=1, heartbeat_at=heartbeat, worker="worker-1", where="SIGKILL"
        )
        looks.harmed([harmed_fields(orphan)])
        looks.recovery_begins(MIDNIGHT + timedelta(seconds=6))
        ends = ((E1, 2), (E2, 1))
        looks.exports(
            ExportFacts(
                exports=[ExportFact(id=job, state="ready", attempt=n) for job, n in ends],
                completions=[CompletionFact(export_id=job) for job, _ in ends],
                transitions=with_tokens(),
            )
        )
        for job, _ in ends:
            looks.download({"job": job, "status": 200, "sha256": DIGEST, "declared": DIGEST})
        assert looks.judge("exports in the end", ended=True, whole=True) == []
        history.append(Check, observed=2, needed=2)
