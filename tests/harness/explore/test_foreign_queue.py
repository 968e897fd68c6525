"""A queue with other tables, states and functions: explored from its protocol file alone."""

import asyncio
from collections.abc import Sequence

import pytest

from harness.errors import Misconfigured
from harness.explore import (
    Budget,
    CannotGoOnError,
    Exploration,
    ExploredDatabase,
    Kind,
    Protocol,
    explore,
    load_protocol,
    plan,
    render_finding,
)
from harness.explore.scripts.scenario import Scenario, script
from harness.explore.scripts.scenarios import PlannedScenario
from harness.explore.scripts.schedules import count_schedules

from .conftest import HERE, TaskQueue

pytestmark = pytest.mark.integration

PROTOCOL = load_protocol(HERE / "tasks.toml")


async def explored(
    queue: TaskQueue,
    scenarios: Sequence[PlannedScenario],
    protocol: Protocol = PROTOCOL,
    budget: Budget | None = None,
) -> Exploration:
    database = await ExploredDatabase.open(queue.dsn, protocol)
    try:
        return await explore(database, scenarios, seed=1, budget=budget)
    finally:
        assert await database.close() == []


def planned(*scripts: str, exports: tuple[int, ...] = (1,), cap: int = 3) -> list[PlannedScenario]:
    scenario = Scenario(
        title="a test's", scripts=tuple(map(script, scripts)), exports=exports, cap=cap
    )
    return [PlannedScenario(scenario=scenario, interleavings=count_schedules(scenario.scripts))]


async def test_a_sound_queue_holds_in_every_interleaving(task_queue: TaskQueue) -> None:
    found = await explored(task_queue, plan(PROTOCOL.kinds(), workers=3, brief=True))
    assert found.findings == {}
    assert found.is_complete
    assert found.run + found.merged == sum(each.planned.interleavings for each in found.covered)
    assert await task_queue.run("SELECT * FROM tasks") == []
    assert await task_queue.sessions() == []


async def test_select_then_update_is_caught_with_a_shortest_interleaving(
    task_queue: TaskQueue,
) -> None:
    await task_queue.replace_claim("grab_select_then_update.sql")
    found = await explored(
        task_queue, plan(PROTOCOL.kinds(), workers=2, brief=True), budget=Budget(findings=1)
    )
    finding = found.findings["claimed-twice"]
    assert len(finding.trace.schedule) == 3
    assert "\n".join(render_finding(finding)) == (
        "violated: claimed-twice: an export that has an owner is not claimed by another worker\n"
        "  3 steps of 2 workers (1 queued, limit 1, cap 3);"
        " seen first in: two claims, one export\n"
        "\n"
        "   1  A  begin, claim  export 1 attempt 1 t1\n"
        "   2  B  claim         B waits for A\n"
        "   3  A  commit        B's claim of step 2 goes on → export 1 attempt 2 t2\n"
        "                       export 1 is doing (attempt 2, t2)\n"
        "\n"
        "  got: B claimed export 1, which A owns"
    )


async def test_what_waits_is_seen_waiting_and_goes_on_later(task_queue: TaskQueue) -> None:
    found = await explored(task_queue, planned("claim+", "claim+"))
    assert (found.run, found.merged) == (2, 1)
    assert found.findings == {}


async def test_a_cap_without_a_lock_is_exceeded(task_queue: TaskQueue) -> None:
    source = (HERE / "tasks.sql").read_text(encoding="utf-8")
    function = source[source.index("CREATE FUNCTION") :].replace("CREATE", "CREATE OR REPLACE", 1)
    await task_queue.run(function.replace("PERFORM pg_advisory_xact_lock(42);", ""))
    found = await explored(task_queue, planned("claim+", "claim+", exports=(2,), cap=1))
    assert set(found.findings) == {"over-cap"}


async def test_a_deadlock_is_told_and_is_no_violation_as_long_as_nothing_is_lost(
    task_queue: TaskQueue,
) -> None:
    """One who beats and one who completes take their locks in two orders, held up by a claim."""
    assert PROTOCOL.heartbeat is not None
    assert PROTOCOL.complete is not None
    one, two, three = (f"SELECT pg_advisory_xact_lock({key})" for key in (1, 2, 3))
    sql = {
        "claim": f"{one}; {PROTOCOL.claim.sql}",
        "heartbeat": f"{two}; {one}; {three}; {PROTOCOL.heartbeat.sql}",
        "complete": f"{three}; {two}; {PROTOCOL.complete.sql}",
    }
    protocol = PROTOCOL.model_copy(
        update={
            name: getattr(PROTOCOL, name).model_copy(update={"sql": text})
            for name, text in sql.items()
        }
    )
    scripts = planned("claim heartbeat", "claim complete", "claim+", exports=(3,))
    found = await explored(task_queue, scripts, protocol)
    assert found.retriable_errors["40P01"] > 0
    assert found.findings == {}


async def test_a_lock_of_a_session_is_held_for_ever(task_queue: TaskQueue) -> None:
    source = (HERE / "tasks.sql").read_text(encoding="utf-8")
    function = source[source.index("CREATE FUNCTION") :].replace("CREATE", "CREATE OR REPLACE", 1)
    await task_queue.run(function.replace("pg_advisory_xact_lock", "pg_advisory_lock"))
    found = await explored(
        task_queue, planned("claim", "claim", exports=(2,)), budget=Budget(findings=1)
    )
    finding = found.findings["blocked-for-ever"]
    assert "waits for A" in finding.violation.got


async def test_a_stranger_in_the_way_is_named_and_proves_nothing(
    task_queue: TaskQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.explore.running.lock_waits.DEADLINE_S", 0.3)
    database = await ExploredDatabase.open(task_queue.dsn, PROTOCOL)
    stranger = await ExploredDatabase.open(task_queue.dsn, PROTOCOL)
    try:
        await stranger.observer.run("BEGIN; SELECT pg_advisory_xact_lock(42)")
        with pytest.raises(CannotGoOnError, match=r"of another program: \d+ \(client backend"):
            await explore(database, planned("claim", "claim"), seed=1)
    finally:
        await stranger.close()
        await database.close()


async def test_interrupted_in_the_middle_nothing_is_left(task_queue: TaskQueue) -> None:
    """Cancelled while one holds a transaction open and the other waits for it."""
    begun = asyncio.Event()
    everything = plan(PROTOCOL.kinds(), workers=2)

    async def run() -> None:
        database = await ExploredDatabase.open(task_queue.dsn, PROTOCOL)
        try:
            await explore(database, everything, seed=1, on_progress=lambda _: begun.set())
        finally:
            await database.close()

    task = asyncio.create_task(run())
    await asyncio.wait_for(begun.wait(), timeout=20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await task_queue.run("SELECT * FROM tasks") == []
    assert await task_queue.sessions() == []
    assert await task_queue.run("SELECT * FROM pg_locks WHERE locktype = 'advisory'") == []


async def test_a_function_that_is_not_there_is_a_mistake_of_the_file(
    task_queue: TaskQueue,
) -> None:
    wrong = PROTOCOL.model_copy(
        update={"claim": PROTOCOL.claim.model_copy(update={"sql": "SELECT * FROM grab_taks(1)"})}
    )
    with pytest.raises(Misconfigured, match=r"\[claim\] sql: ERROR 42883: function grab_taks"):
        await explored(task_queue, planned("claim", "claim"), wrong)


async def test_a_column_that_is_not_there_is_named(task_queue: TaskQueue) -> None:
    wrong = PROTOCOL.model_copy(
        update={"claim": PROTOCOL.claim.model_copy(update={"token": "leas"})}
    )
    with pytest.raises(
        Misconfigured, match=r"no column 'leas' \(\[claim\] token\); it returns task"
    ):
        await explored(task_queue, planned("claim", "claim"), wrong)


async def test_a_step_that_raises_is_a_violation(task_queue: TaskQueue) -> None:
    protocol = PROTOCOL.model_copy(
        update={"complete": PROTOCOL.complete.model_copy(update={"sql": "SELECT 1 / 0"})}  # type: ignore[union-attr]
    )
    found = await explored(
        task_queue, planned("claim complete", "claim"), protocol, Budget(findings=1)
    )
    assert "22012: division by zero" in found.findings["step-raised"].violation.got


async def test_steps_that_are_left_out_are_not_run(task_queue: TaskQueue) -> None:
    found = await explored(task_queue, plan({Kind.CLAIM}, workers=2))
    acts = {
        act.kind
        for each in found.covered
        for script in each.planned.scenario.scripts
        for act in script
    }
    assert acts <= {Kind.CLAIM, Kind.COMMIT, Kind.ROLLBACK}
    assert found.run > 20
