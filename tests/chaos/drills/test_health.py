"""What counts as left behind: transactions that stand still, deadlocks, instances that ended."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from chaos.drills.health import (
    LONG_S,
    expect_instances,
    expect_no_deadlocks,
    expect_no_open_transactions,
)
from harness.database import Database
from harness.errors import CheckFailed
from harness.system import System


class Statistics:
    """A database that gives these answers, one after the other, and the last one for ever."""

    def __init__(self, *answers: list[Mapping[str, object]]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def fetch(self, _sql: str, parameters: object) -> list[Mapping[str, object]]:
        assert parameters == {"ours": ["us", "reader"]}
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def fetch_one(self, sql: str, parameters: object) -> Mapping[str, object]:
        return (await self.fetch(sql, parameters))[0]


class OneSystem:
    """A system whose database we ask by two roles."""

    control_url = "postgresql://us@localhost/x"
    readonly_url = "postgresql://reader@localhost/x"
    gone: Mapping[str, str] = {}

    def ended_by_themselves(self) -> Mapping[str, str]:
        return self.gone


def session(pid: int, **changed: Any) -> Mapping[str, object]:  # noqa: ANN401 - a row's values
    row: dict[str, object] = {
        "pid": pid, "user": "backend", "state": "active", "has_snapshot": True, "xact_start": pid,
        "state_s": 0.01, "transaction_s": 0.01, "query": "SELECT  1\n",
    }  # fmt: skip
    return row | changed


def given(*answers: list[Mapping[str, object]]) -> tuple[Database, System]:
    return cast("Database", Statistics(*answers)), cast("System", OneSystem())


async def test_transactions_that_end_are_not_left_behind() -> None:
    database, system = given([session(1), session(2)], [session(2)], [session(3)])
    await expect_no_open_transactions(database, system)
    assert cast("Statistics", database).asked == 3


async def test_without_transactions_it_is_asked_once() -> None:
    database, system = given([])
    await expect_no_open_transactions(database, system)
    assert cast("Statistics", database).asked == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"state": "idle in transaction", "has_snapshot": False, "state_s": LONG_S + 1},
            "session 7 of backend is idle in transaction for 4.0 s",
        ),
        ({"state": "idle in transaction (aborted)", "state_s": LONG_S + 1}, "(aborted)"),
        ({"transaction_s": LONG_S + 1}, "and holds a snapshot"),
    ],
)
async def test_what_stands_still_is_found(changed: Mapping[str, Any], said: str) -> None:
    database, system = given([session(7, **changed)])
    with pytest.raises(CheckFailed, match="1 of them") as failure:
        await expect_no_open_transactions(database, system)
    assert said in failure.value.got
    assert failure.value.rule == "health.no-open-transaction"


async def test_a_short_transaction_of_another_session_hides_none() -> None:
    left = session(7, state="idle in transaction", state_s=LONG_S + 1)
    database, system = given([session(7), session(8)], [session(9)], [left])
    # The first two have ended at the second look: what begins later is not what was left behind.
    await expect_no_open_transactions(database, system)


async def test_deadlocks_are_counted() -> None:
    await expect_no_deadlocks(*given([{"deadlocks": 0, "connections": 3}]))
    with pytest.raises(CheckFailed, match="2 deadlocks"):
        await expect_no_deadlocks(*given([{"deadlocks": 2, "connections": 3}]))


def test_an_instance_that_ended_by_itself_is_found() -> None:
    system = OneSystem()
    expect_instances(cast("System", system))
    system.gone = {"worker-1": "worker-1 ended by itself: exit code 1"}
    with pytest.raises(CheckFailed, match="worker-1 ended by itself"):
        expect_instances(cast("System", system))
