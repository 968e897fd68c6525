"""The runner takes the parts of a drill in order, and says what is missing."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from chaos.drills.drill import Drill, DrillContext, FaultStep, run_drill
from chaos.faults.fault import Fault
from chaos.faults.proof import FaultNotShown, TargetCannot
from harness.checkers import Violation
from harness.errors import CheckFailed, Inconclusive, PreconditionNotMet
from harness.findings.preconditions import precondition
from harness.history import HistoryWriter
from harness.machine.journal import Journal
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.recovery.healing import end_run
from harness.target import Capability


@dataclass(kw_only=True)
class Noted(DrillContext):
    """Notes which part runs."""

    parts: list[str] = field(default_factory=list)
    failing: str = ""
    found: int = 0

    def note(self, part: str) -> None:
        self.parts.append(part)
        if part == self.failing:
            raise CheckFailed(expected=part, got="nothing")


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Noted]:
    journal = Journal.begin(tmp_path)
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        cells = Cells(check_id="chaos.example", check_path=Path(__file__))
        yield Noted(
            journal=journal,
            offered=frozenset(Capability),
            history=history,
            observe=Observations(),
            cells=cells,
        )
    end_run(journal)


async def prepare(drill: Noted) -> None:
    drill.note("prepare")


async def steady(drill: Noted) -> None:
    drill.note("steady before" if "heal" not in drill.parts else "steady after")


@asynccontextmanager
async def load(drill: Noted) -> AsyncIterator[None]:
    drill.note("load begins")
    yield
    drill.note("load ends")


def faults(drill: Noted) -> Sequence[FaultStep]:
    async def inject() -> None:
        drill.note("inject")

    async def prove() -> str:
        drill.note("prove")
        return "it is harmed"

    async def heal() -> None:
        drill.note("heal")

    async def hold() -> None:
        drill.note("hold")

    fault = Fault(
        label="harm",
        what="harm of x",
        victims=("x",),
        undo=("true",),
        inject=inject,
        victim_shows=None,
        others_see=prove,
        heal=heal,
    )
    return [FaultStep(faults=[fault], while_it_holds=hold)]


async def drain(drill: Noted) -> None:
    drill.note("drain")


async def nothing_lost(drill: Noted) -> Sequence[Violation]:
    drill.note("check")
    violation = Violation(rule="lost", subject="e", expected="e", got="nothing")
    return [violation] * drill.found


def met(drill: Noted) -> int:
    drill.note("seen")
    return sum(part == "inject" for part in drill.parts)


DRILL = Drill[Noted](
    needs=frozenset(),
    budget_s=1,
    prepare=prepare,
    steady_state=steady,
    load=load,
    faults=faults,
    drain=drain,
    checkers=(nothing_lost,),
    seen={"faults": met},
)


async def test_the_parts_in_order(drill: Noted) -> None:
    await run_drill(DRILL, drill)
    assert drill.parts == [
        *("prepare", "steady before", "load begins", "inject", "prove", "hold", "heal"),
        *("load ends", "drain", "steady after", "check", "seen"),
    ]
    assert drill.observe.kinds == {"faults": 1}


async def test_what_is_not_steady_is_not_harmed(drill: Noted) -> None:
    drill.failing = "steady before"
    with pytest.raises(Inconclusive, match="not steady before"):
        await run_drill(DRILL, drill)
    assert drill.parts == ["prepare", "steady before"]


async def test_a_precondition_of_the_steady_state_keeps_its_rule(drill: Noted) -> None:
    async def not_ready(_: Noted) -> None:
        raise PreconditionNotMet("ready", "queued", rule="export.becomes-ready")

    with pytest.raises(PreconditionNotMet) as unmet:
        await run_drill(replace(DRILL, steady_state=not_ready), drill)
    assert unmet.value.rule == "export.becomes-ready"
    assert drill.parts == ["prepare"]


async def test_what_is_not_steady_afterwards_is_a_finding_beside_what_was_lost(
    drill: Noted,
) -> None:
    drill.failing, drill.found = "steady after", 3
    await run_drill(DRILL, drill)
    unsteady, lost = drill.cells.findings
    assert "the same steady state" in unsteady.expected
    assert (lost.rule, lost.subject) == ("export.once", "exports in the end")
    assert drill.observe.count == 0


async def test_what_cannot_be_read_because_nothing_is_steady_is_no_second_finding(
    drill: Noted,
) -> None:
    async def unreadable(drill: Noted) -> Sequence[Violation]:
        raise CheckFailed("an answer", "none")

    drill.failing = "steady after"
    await run_drill(replace(DRILL, checkers=(unreadable,)), drill)
    assert len(drill.cells.findings) == 1
    assert drill.cells.counts().not_looked_at == 1


async def test_what_was_seen_wrong_during_the_fault_is_no_second_finding(drill: Noted) -> None:
    drill.found, drill.judged = 1, {"e"}
    await run_drill(DRILL, drill)
    assert not drill.cells.findings


async def test_what_is_waited_for_after_the_fault_is_no_precondition(drill: Noted) -> None:
    async def drained(_: Noted) -> None:
        with precondition("export.becomes-ready"):
            raise CheckFailed("ready", "queued")

    with pytest.raises(CheckFailed) as failed:
        await run_drill(replace(DRILL, drain=drained), drill)
    assert not isinstance(failed.value, PreconditionNotMet)


async def test_a_fault_that_did_not_show_is_inconclusive_but_what_was_lost_is_a_fail(
    drill: Noted,
) -> None:
    async def not_shown() -> str:
        raise FaultNotShown("it did not show")

    def hidden(drill: Noted) -> Sequence[FaultStep]:
        [step] = faults(drill)
        return [replace(step, faults=[replace(step.faults[0], others_see=not_shown)])]

    unproven = replace(DRILL, faults=hidden)
    with pytest.raises(FaultNotShown):
        await run_drill(unproven, drill)
    assert drill.parts[-5:] == ["load ends", "drain", "steady after", "check", "seen"]
    drill.found = 1
    await run_drill(unproven, drill)
    assert [each.rule for each in drill.cells.findings] == ["export.once"]


async def test_a_fault_that_nobody_can_see_is_held_and_inconclusive_in_the_end(
    drill: Noted,
) -> None:
    def unseen(drill: Noted) -> Sequence[FaultStep]:
        [step] = faults(drill)
        return [replace(step, faults=[replace(step.faults[0], others_see=None, unseen="look")])]

    unproven = replace(DRILL, faults=unseen)
    with pytest.raises(FaultNotShown, match="no other client can see the harm of x: look"):
        await run_drill(unproven, drill)
    assert "hold" in drill.parts
    drill.found = 1
    await run_drill(unproven, drill)
    assert [each.rule for each in drill.cells.findings] == ["export.once"]


async def test_a_fault_that_the_target_does_not_offer_is_refused(drill: Noted) -> None:
    def needy(drill: Noted) -> Sequence[FaultStep]:
        [step] = faults(drill)
        needs = frozenset({Capability.NETWORK})
        return [replace(step, faults=[replace(step.faults[0], needs=needs)])]

    drill.offered = frozenset({Capability.KILL})
    with pytest.raises(TargetCannot, match=r"harm cannot be injected: .* does not offer network"):
        await run_drill(replace(DRILL, faults=needy), drill)
    assert "inject" not in drill.parts


async def test_what_had_to_be_seen_and_was_not_is_inconclusive(drill: Noted) -> None:
    async def never() -> bool:
        return False

    def later(drill: Noted) -> Sequence[FaultStep]:
        return [replace(step, when=never) for step in faults(drill)]

    with pytest.raises(Inconclusive, match="faults"):
        await run_drill(replace(DRILL, faults=later), drill)
    assert "inject" not in drill.parts


async def test_a_later_step_is_healed_before_an_earlier_one(drill: Noted) -> None:
    def two(drill: Noted) -> Sequence[FaultStep]:
        async def woken() -> None:
            drill.note("first healed")

        async def hold() -> None:
            drill.note("outer holds")

        [inner], [outer] = faults(drill), faults(drill)
        return [replace(outer, while_it_holds=hold), replace(inner, once_healed=woken)]

    await run_drill(replace(DRILL, faults=two), drill)
    inside = drill.parts[drill.parts.index("inject") : drill.parts.index("load ends")]
    assert inside == [
        *("inject", "prove", "inject", "prove", "hold", "heal", "first healed"),
        *("outer holds", "heal"),
    ]
