"""Which gates are run for a defect, in which order, and what is made of their answers."""

from collections.abc import Sequence

import pytest

from harness.errors import Misconfigured
from harness.prove.gate import Gate
from harness.prove.matrix import DefectResult, GateRun
from harness.prove.runner import Plan, choose_defects, prove_gate, run_defects
from harness.prove.zoo import Defect, parse_zoo


def defect(name: str, *expected: str) -> Defect:
    return Defect(id=name, title=name, family="claim", source="", expected=expected or ("claim.a",))


class Recorded(Gate):
    """A gate that answers from a table: (defect, only) -> the checks that fail."""

    answers: dict[tuple[str | None, tuple[str, ...]], tuple[str, ...]]
    asked: list[tuple[str | None, tuple[str, ...]]]
    checks: tuple[str, ...]

    async def run(
        self, *, defect: str | None, only: Sequence[str] = (), also: Sequence[str] = ()
    ) -> GateRun:
        key = (defect, tuple(only))
        self.asked.append(key)
        failed = self.answers.get(key, ())
        return GateRun(exit_code=int(bool(failed)), checks=self.checks, failed=failed, seconds=1.0)


def recorded(
    answers: dict[tuple[str | None, tuple[str, ...]], tuple[str, ...]], checks: tuple[str, ...] = ()
) -> Recorded:
    gate = Recorded(variable="DEFECT", seed=1)
    object.__setattr__(gate, "answers", answers)
    object.__setattr__(gate, "asked", [])
    object.__setattr__(gate, "checks", checks)
    return gate


class Told:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.tried: list[str] = []

    def clean_run_ended(self, run: GateRun) -> None:
        assert not self.begun, "the clean backend comes first"

    def defect_started(self, defect: Defect) -> None:
        self.begun.append(defect.id)

    def defect_ended(self, result: DefectResult) -> None:
        self.tried.append(result.defect.id)


async def results(gate: Gate, *defects: Defect, full: bool = False) -> tuple[DefectResult, ...]:
    told = Told()
    plan = Plan(gate=gate, defects=defects, zoo_size=len(defects), full=full)
    done = await run_defects(plan, told)
    assert sorted(told.begun) == sorted(told.tried) == sorted(one.defect.id for one in done)
    return done


async def test_the_first_right_kill_ends_the_trial() -> None:
    gate = recorded({("x", ("claim.a",)): ("claim.a",)})
    (result,) = await results(gate, defect("x"))
    assert result.state == "killed"
    assert gate.asked == [("x", ("claim.a",))]


async def test_a_defect_that_slips_through_meets_the_whole_gate() -> None:
    gate = recorded({("x", ()): ("hash.b",)})
    (result,) = await results(gate, defect("x"))
    assert result.state == "caught elsewhere"
    assert gate.asked == [("x", ("claim.a",)), ("x", ())]


async def test_full_runs_the_whole_gate_once() -> None:
    gate = recorded({("x", ()): ("claim.a", "hash.b")})
    (result,) = await results(gate, defect("x"), full=True)
    assert result.caught_by == ("claim.a", "hash.b")
    assert gate.asked == [("x", ())]


async def test_a_defect_that_expects_an_unknown_check_is_refused() -> None:
    plan = Plan(
        gate=recorded({}, checks=("claim.a",)), defects=(defect("x", "claim.b"),), zoo_size=1
    )
    with pytest.raises(Misconfigured, match=r"x expects claim\.b"):
        await prove_gate(plan, Told())


async def test_a_check_that_no_defect_failed_is_found_only_over_the_whole_zoo() -> None:
    gate = recorded({("x", ("claim.a",)): ("claim.a",)}, checks=("claim.a", "claim.b"))
    for zoo_size, idle in ((1, ("claim.b",)), (2, ())):
        plan = Plan(gate=gate, defects=(defect("x"),), zoo_size=zoo_size)
        matrix = await prove_gate(plan, Told())
        assert matrix.never_failed == idle


async def test_trials_come_back_in_the_order_of_the_zoo() -> None:
    gate = recorded({})
    done = await results(gate, defect("x"), defect("y"), defect("z"))
    assert [one.defect.id for one in done] == ["x", "y", "z"]


def test_choosing() -> None:
    zoo = [defect(name) for name in "abcdef"]
    assert choose_defects(zoo, ["c", "a", "c"], 0, 1) == [zoo[2], zoo[0]]
    assert choose_defects(zoo, [], 0, 1) == zoo
    drawn = choose_defects(zoo, [], 2, 7)
    assert len(drawn) == 2
    assert drawn == choose_defects(zoo, [], 2, 7)
    assert {one.id for seed in range(50) for one in choose_defects(zoo, [], 2, seed)} == set(
        "abcdef"
    )


def test_an_unknown_defect_is_refused_with_what_there_is() -> None:
    with pytest.raises(Misconfigured, match=r"no such defect: nope; `shakedown prove --list`"):
        choose_defects([defect("a"), defect("b")], ["nope"], 0, 1)


@pytest.mark.parametrize(
    "printed",
    [b"", b"{}}", b'{"id": 1}', b'[{"id": "a"}]', b"[1]",
     b'[{"id":"a","title":"","family":"","source":"","expected":[]}]',
     b'[{"id":"a","title":"","family":"","source":"","expected":["x"]},{"id":"a","title":"","family":"","source":"","expected":["x"]}]'],
)  # fmt: skip
def test_a_zoo_that_makes_no_sense_is_refused(printed: bytes) -> None:
    with pytest.raises(Misconfigured, match="the zoo"):
        parse_zoo(printed, what="the zoo")


def test_a_zoo_is_read() -> None:
    printed = (
        b'[{"id":"a","title":"t","family":"claim","source":"s","expected":["claim.a"],"more":1}]'
    )
    (one,) = parse_zoo(printed, what="the zoo")
    assert one == Defect(id="a", title="t", family="claim", source="s", expected=("claim.a",))


@pytest.mark.parametrize(
    ("zoo_size", "full", "clean"),
    [(2, False, ()), (9, False, ("claim.a", "claim.b")), (9, True, ())],
)
async def test_the_clean_backend_passes_what_the_chosen_defects_expect_or_the_whole_gate(
    zoo_size: int, full: bool, clean: tuple[str, ...]
) -> None:
    gate = recorded({}, checks=("claim.a", "claim.b"))
    chosen = (defect("x", "claim.a"), defect("y", "claim.b", "claim.a"))
    plan = Plan(gate=gate, defects=chosen, zoo_size=zoo_size, full=full)
    await prove_gate(plan, Told())
    assert gate.asked[0] == (None, clean)
