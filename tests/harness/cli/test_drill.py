"""`shakedown drill`: which drills run, and what the exit code says of those that cannot."""

import signal

import click
import pytest
from click.testing import CliRunner

from harness.cli.drill import drill
from harness.errors import Misconfigured

from .conftest import Workplace

DRILLS = """
@check("chaos.own-passes", "It passes", checklist="Own works", observes=1, profile="soak")
async def check_passes(observe):
    observe()

@check("chaos.own-fails", "It fails", checklist="Own works", observes=1)
async def check_fails(observe):
    raise CheckFailed(expected="a", got="b")

@check("chaos.own-needs", "It needs", checklist="Own works", observes=1,
       needs=[Capability.DATABASE])
async def check_needs(observe):
    observe()

@check("own.else", "No drill", checklist="Own works", observes=1)
async def check_else(observe):
    raise CheckFailed(expected="a", got="b")
"""


def words(*more: str) -> list[str]:
    fixed = ["--target", "shakedown.toml", "--checks", "checks", "--out", "out"]
    return ["drill", *fixed, *more]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "name a drill, or `all`"),
        (["all", "drain"], "`all` stands alone"),
        (["--list", "drain"], "leave drain out"),
        (["wroker-kill,drain"], "no drill wroker-kill; did you mean worker-kill?"),
        (["chaos.drian"], "no drill drian; did you mean drain?"),
        (["drain", "none-*"], "no drill none-*"),
    ],
)
def test_names_that_cannot_be_meant(given: list[str], told: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        drill.main(given, standalone_mode=False)
    assert told in str(refused.value)
    assert "worker-pause-zombie" not in str(refused.value)


def test_the_list_says_of_each_drill_what_it_takes_and_whether_it_is_offered() -> None:
    result = CliRunner().invoke(drill, ["--list"], catch_exceptions=False)
    assert result.exit_code == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in result.stdout.splitlines()}
    assert rows["chaos.worker-kill"] == [
        *("Killed workers lose and repeat no export", "quick", "90", "offered", "")
    ]
    *_, offered, why = rows["chaos.staging-fault"]
    assert offered == "not offered"
    assert "needs faults: [chaos.faults.NAME] inject = […]" in why
    assert all(name.startswith("chaos.") for name in rows)


def test_help_teaches() -> None:
    said = CliRunner().invoke(drill, ["--help"]).stdout
    for line in ("drill --list", "drill all --target", "drill worker-kill --seed 7", "Exit codes"):
        assert line in click.unstyle(said)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("names", "code", "verdicts"),
    [
        (["all"], 1, {"chaos.own-passes": "pass", "chaos.own-fails": "fail"}),
        (["own-passes"], 0, {"chaos.own-passes": "pass"}),
        (["chaos.own-n*"], 2, {"chaos.own-needs": "inconclusive"}),
        (
            ["own-needs,own-passes"],
            2,
            {"chaos.own-passes": "pass", "chaos.own-needs": "inconclusive"},
        ),
    ],
)
def test_all_is_what_is_offered_whatever_its_profile_and_a_name_is_that_drill(
    workplace: Workplace, names: list[str], code: int, verdicts: dict[str, str]
) -> None:
    workplace.checks(DRILLS)
    finished = workplace.shakedown(*words(*names))
    assert finished.code == code, finished.stderr
    assert finished.verdicts == verdicts
    assert ("left out: chaos.own-needs: needs database" in finished.stderr) is (names == ["all"])
    assert workplace.leftovers() == []


@pytest.mark.integration
def test_nothing_is_run_where_nothing_is_offered(workplace: Workplace) -> None:
    finished = workplace.shakedown(
        "drill", "all", "--target", "shakedown.toml", "--out", "out", "--seed", "7"
    )
    assert finished.code == 2
    assert "left out: chaos.worker-kill: needs a system of its own" in finished.stderr
    assert '[database] source = "embedded"' in finished.stderr
    assert "offers no drill" in finished.stderr
    assert not (workplace.folder / "out").exists()


@pytest.mark.integration
def test_ctrl_c_takes_everything_down(workplace: Workplace) -> None:
    workplace.checks(
        """
        @check("chaos.own-waits", "Waits", checklist="Own works", observes=1)
        async def check_waits(observe):
            open("waiting", "w").close()
            await asyncio.sleep(60)
        """
    )
    process = workplace.start(*words("own-waits"))
    workplace.wait_for((workplace.folder / "waiting").exists, "the drill to wait")
    process.send_signal(signal.SIGINT)
    finished = workplace.finish(process)
    assert finished.code == 130
    assert finished.message("chaos.own-waits") == "did not finish: interrupted by SIGINT"
    assert workplace.leftovers() == []
