"""Attempts at an export that always fails are counted, and other exports are seen to be held up."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.drills.recovering.poison import Poison
from chaos.drills.worker_drill import WorkerDrill
from harness.checkers import ExportFact, ExportFacts, RecoveryTimes
from harness.errors import CheckFailed
from harness.target.tables.pace import NO_PACE

TIMES = RecoveryTimes(stuck_timeout_s=0, sweep_interval_s=0, slack_s=0)


class Script:
    """Shows one moment after the other, the last one again and again."""

    def __init__(self, *moments: list[ExportFact]) -> None:
        self.moments = list(moments)

    async def observed(self) -> ExportFacts:
        shown = self.moments.pop(0) if len(self.moments) > 1 else self.moments[0]
        return ExportFacts(exports=shown, completions=[], transitions=None)

    async def get_export(self, _export: str) -> dict[str, Any]:
        return {"error_code": self.moments[-1][0].error_code}


def poison(*moments: list[ExportFact], others: str = "") -> Poison:
    script = Script(*moments)
    drill = SimpleNamespace(
        view=script,
        times=TIMES,
        judged=set(),
        observe=lambda *_, **__: None,
        target=SimpleNamespace(limits=SimpleNamespace(max_attempts=3), pace=NO_PACE),
    )
    organization: Any = SimpleNamespace(id="o1", client=script)
    return Poison(
        drill=cast("WorkerDrill", drill),
        organization=organization,
        export="p",
        fault=cast("Any", None),
        others=set(others.split()),
    )


def at(attempt: int, state: str = "preparing", error: str | None = None) -> list[ExportFact]:
    return [ExportFact(id="p", state=state, attempt=attempt, error_code=error)]


EXHAUSTED = "attempts_exhausted"


async def claims_of(given: Poison, **more: int) -> list[int]:
    claims: list[int] = []

    async def at_claim(count: int) -> None:
        claims.append(count)

    await given.expect_given_up(at_claim, **more)
    return claims


async def test_each_attempt_is_seen_until_it_is_given_up() -> None:
    given = poison(at(0, "queued"), at(1), at(2), at(3), at(3, "failed", EXHAUSTED))
    assert await claims_of(given) == [1, 2, 3]
    assert given.attempts == 3


async def test_one_that_a_drain_ended_may_be_granted_again() -> None:
    moments = [at(1), at(2), at(3), at(4), at(4, "failed", EXHAUSTED)]
    assert await claims_of(poison(*moments), drained=1) == [1, 2, 3, 4]
    with pytest.raises(CheckFailed, match="4 claims"):
        await claims_of(poison(*moments))


async def test_it_may_not_be_given_up_early() -> None:
    with pytest.raises(CheckFailed, match="attempts_exhausted after 2"):
        await claims_of(poison(at(1), at(2), at(2, "failed", EXHAUSTED)))


async def test_a_worker_may_know_that_another_attempt_is_of_no_use() -> None:
    assert await claims_of(poison(at(1), at(1, "failed", "evidence_unreadable"))) == [1]


async def test_it_must_say_why() -> None:
    with pytest.raises(CheckFailed, match="error_code"):
        await claims_of(poison(at(3, "failed")))


async def test_others_are_held_up_when_all_its_attempts_are_over_before_theirs() -> None:
    other = ExportFact(id="e2", state="queued", attempt=0)
    given = poison([*at(3), other], [*at(3, "failed", EXHAUSTED), other], others="e2")
    with pytest.raises(CheckFailed, match="1 still queued"):
        await given.expect_others_done()
    done = ExportFact(id="e2", state="ready", attempt=1)
    await poison([*at(3), other], [*at(3), done], others="e2").expect_others_done()
