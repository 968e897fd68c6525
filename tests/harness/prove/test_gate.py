"""What a run of the gate is asked for, and what is read from its results."""

from collections.abc import Mapping
from pathlib import Path

import orjson

from harness.prove.gate import Gate, broken_rules
from harness.prove.runner import Plan, prove_gate
from harness.prove.zoo import Defect

VERDICTS = {"a.pass": "pass", "a.gap": "inconclusive", "a.many[x]": "inconclusive"}


def findings(verdict: str) -> list[dict[str, str]]:
    return [{"rule": "answer.json"}, {"rule": "answer.json"}] if verdict == "fail" else []


def write_results(folder: Path, verdicts: Mapping[str, str]) -> None:
    folder.mkdir()
    checks = [
        {"id": name, "verdict": verdict, "message": f"why {name}", "findings": findings(verdict)}
        for name, verdict in verdicts.items()
    ]
    (folder / "results.json").write_bytes(orjson.dumps({"checks": checks}))


class Answered(Gate):
    """A gate whose process writes results instead of running checks."""

    async def _execute(self, command: tuple[str, ...], defect: str | None) -> tuple[int, str, str]:
        allowed = [command[n + 1] for n, word in enumerate(command) if "allow" in word]
        verdicts = VERDICTS | ({"a.pass": "fail"} if defect else {})
        write_results(Path(command[command.index("--out") + 1]), verdicts)
        return (1 if defect else 0 if allowed == ["a.gap", "a.many"] else 2), "", ""


def gate(*allowed: str) -> Answered:
    return Answered(variable="DEFECT", seed=1, allow_inconclusive=allowed)


async def test_what_could_not_look_is_a_problem_unless_it_is_allowed() -> None:
    run = await gate().run(defect=None)
    assert run.problem == "inconclusive: a.gap, a.many[x]"
    assert run.why == {"a.gap": "why a.gap", "a.many[x]": "why a.many[x]"}
    run = await gate("a.gap", "a.many").run(defect=None)
    assert (run.exit_code, run.problem, run.gaps) == (0, "", ("a.gap", "a.many[x]"))
    assert run.why == {}
    assert (await gate("a.gap", "a.many").run(defect="d")).why == {"a.pass": "why a.pass"}


async def test_the_rules_that_a_defect_broke_are_told_with_the_checks_that_saw_it() -> None:
    assert (await gate("a.gap", "a.many").run(defect=None)).rules == {}
    assert (await gate("a.gap", "a.many").run(defect="d")).rules == {"answer.json": ("a.pass",)}
    seen = broken_rules(
        [
            {"id": "a.many[x]", "verdict": "fail", "findings": [{"rule": "a.many[x]"}]},
            {"id": "a.many[y]", "verdict": "fail", "findings": [{"rule": "answer.json"}]},
            {"id": "a.other", "verdict": "fail", "findings": [{"rule": "answer.json"}]},
        ]
    )
    assert seen == {"a.many": ("a.many",), "answer.json": ("a.many", "a.other")}


class Silent:
    """Listens."""

    def clean_run_ended(self, run: object) -> None: ...

    def defect_started(self, defect: object) -> None: ...

    def defect_ended(self, result: object) -> None: ...


async def test_a_gap_of_the_backend_is_no_idle_check() -> None:
    defect = Defect(id="d", title="d", family="a", source="", expected=("a.pass",))
    plan = Plan(gate=gate("a.gap", "a.many"), defects=(defect,), zoo_size=1)
    matrix = await prove_gate(plan, Silent())
    assert matrix.never_failed == ()
    assert matrix.holds


class Noted(Gate):
    """A gate whose process notes what it was asked for, and passes."""

    commands: list[tuple[str, ...]]

    async def _execute(self, command: tuple[str, ...], defect: str | None) -> tuple[int, str, str]:
        self.commands.append(command)
        chosen = [command[n + 1] for n, word in enumerate(command) if word == "--only"]
        failing = {one: "fail" for one in chosen if one == "a.long"} if defect else {}
        write_results(
            Path(command[command.index("--out") + 1]),
            dict.fromkeys(chosen or ["a.quick", "a.other"], "pass") | failing,
        )
        return int(bool(failing)), "", ""

    @property
    def asked(self) -> list[tuple[list[str], str]]:
        return [
            (
                [command[n + 1] for n, word in enumerate(command) if word == "--only"],
                command[command.index("--profile") + 1] if "--profile" in command else "quick",
            )
            for command in self.commands
        ]


def noted() -> Noted:
    gate = Noted(variable="DEFECT", seed=1, profiles={"a.long": "full", "a.quick": "quick"})
    object.__setattr__(gate, "commands", [])
    return gate


async def test_checks_run_in_the_shortest_profile_that_has_them() -> None:
    gate = noted()
    run = await gate.run(defect="d", only=("a.long", "a.quick", "a.new"))
    assert gate.asked == [(["a.quick", "a.new"], "quick"), (["a.long"], "full")]
    assert run.checks == ("a.quick", "a.new", "a.long")
    assert (run.exit_code, run.failed, run.problem) == (1, ("a.long",), "")
    assert run.rules == {"answer.json": ("a.long",)}


async def test_the_whole_gate_has_no_longer_check_but_those_that_are_asked_for() -> None:
    gate = noted()
    run = await gate.run(defect=None, also=("a.quick", "a.long"))
    assert gate.asked == [([], "quick"), (["a.long"], "full")]
    assert (run.exit_code, run.checks) == (0, ("a.quick", "a.other", "a.long"))


async def test_a_defect_whose_killer_is_in_a_longer_profile_is_killed_by_it() -> None:
    defect = Defect(id="d", title="d", family="a", source="", expected=("a.long",))
    for zoo_size, full in ((1, False), (9, False), (9, True)):
        plan = Plan(gate=noted(), defects=(defect,), zoo_size=zoo_size, full=full)
        matrix = await prove_gate(plan, Silent())
        assert [result.state for result in matrix.results] == ["killed"]
