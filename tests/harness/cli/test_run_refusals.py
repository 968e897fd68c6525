"""What `shakedown run` refuses to do: exit code 3, a message that says what to change."""

import pytest

from .conftest import SECRET, Workplace

pytestmark = pytest.mark.integration

GOOD = """
@check("own.passes", "It passes", checklist="Own works", observes=1)
async def check_passes(observe):
    observe()

@check("own.long", "It is long", checklist="Own works", observes=1, profile="full")
async def check_long(observe):
    observe()
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "own.pases"], "did you mean own.passes?"),
        (["--only", "own.passes", "--only", "none.*"], "--only none.*: no check matches"),
        (["--only", "own.long"], "add --profile full"),
        (["--allow-inconclusive", "own.nothing"], "there is no such check"),
        (["--only", ","], "--only ',': expected ids or patterns"),
        (["--only", ""], "the value after --only is empty"),
        (["-n", "2", "--", "-x", "--pdb"], "leave -n out"),
        (["--", "-k", "nothing"], "no check is left to run"),
        (["--", "--bogus"], "`pytest --bogus` ran no check"),
        (["--", "--collect-only"], "`pytest --collect-only` ran no check"),
        (["nowhere"], "nowhere: there is no such folder"),
        (["--seed", "x"], "--seed"),
        (["--bogus"], "No such option"),
        (["--target", "missing.toml"], "missing.toml"),
        (["--target", "https://staging.example"], "JWT_TOKEN is not set"),
        (
            ["--target", "ftp://staging.example"],
            "--target ftp://staging.example: expected a target",
        ),
        (["--target", "https://"], "--target https://: expected a target"),
        (["--target", "staging.example"], "--target http://staging.example or https://"),
        (["--target", "localhost:8000"], "--target http://localhost:8000 or https://"),
        (["--target", "https://staging.example/?a=b"], "--target URL: expected http(s)://host"),
        (["--target", "http://me:marked-pw@127.0.0.1"], "into the variable BACKEND_URL instead"),
        (["--out", "checks/check_own.py"], "--out DIR"),
    ],
)
def test_a_wish_that_cannot_be_granted(workplace: Workplace, words: list[str], told: str) -> None:
    workplace.checks(GOOD)
    finished = workplace.gate(*words)
    assert told in finished.stderr
    assert "marked" not in finished.stderr
    assert finished.code == 3
    assert workplace.leftovers() == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nonsuch", "No module named 'nonsuch', at checks/check_own.py:"),
        ("def (", "SyntaxError"),
        ("\n\ndef (", "checks/check_own.py:15"),
        (
            GOOD.replace("(observe)", "(obesrve, databse)"),
            "fixtures that do not exist: 'obesrve' (did you mean observe?), 'databse' (did you ",
        ),
        ("async def check_forgotten(observe): pass", "check_forgotten is named like a check"),
        (
            "@check('own.a', 'A', checklist='L', observes=0)\nasync def check_a(observe): pass",
            "observes must be at least 1",
        ),
        (
            "@check('own.a', 'A', checklist='L', observes=1)\ndef check_a(observe): pass",
            "a check is an async function",
        ),
        (GOOD + GOOD.replace("check_", "check_other_"), "two checks have the id 'own.passes'"),
        ("", "no check is left to run: 0"),
    ],
)
def test_files_that_hold_no_proper_checks(workplace: Workplace, source: str, told: str) -> None:
    workplace.checks(source)
    finished = workplace.gate()
    assert told in finished.stderr
    assert finished.code == 3
    assert "Traceback" not in finished.stderr


USES_A_HELPER = """
from helper import three
from deeper_helper import four

@check("own.helped", "It is helped", checklist="Own works", observes=1)
async def check_helped(observe):
    assert three() + four() == 7
    observe()
"""


def helpers(workplace: Workplace) -> None:
    deep = workplace.folder / "checks" / "deep"
    deep.mkdir(parents=True)
    workplace.checks(USES_A_HELPER, name="deep/check_deep.py")
    (deep / "helper.py").write_text("def three(): return 3")
    (deep / "deeper_helper.py").write_text("def four(): return 4")


@pytest.mark.parametrize("words", [[], ["-n", "2"]])
def test_a_helper_beside_the_checks_can_be_imported(workplace: Workplace, words: list[str]) -> None:
    helpers(workplace)
    workplace.checks("from beside import five", name="conftest.py")
    (workplace.folder / "checks" / "beside.py").write_text("five = 5")
    # xdist notes sys.path when it is loaded, which in `workplace.gate` is before the command.
    finished = workplace.finish(workplace.start(*workplace.gate_words(*words)))
    assert finished.code == 0, finished.stderr


def test_a_helper_that_another_module_hides_is_told(workplace: Workplace) -> None:
    helpers(workplace)
    workplace.checks("from helper import two", name="check_own.py")
    (workplace.folder / "checks" / "helper.py").write_text("two = 2")
    workplace.checks("from statistics import mine", name="check_third.py")
    (workplace.folder / "checks" / "statistics.py").write_text("mine = 1")
    finished = workplace.gate()
    assert finished.code == 3
    folder = workplace.folder / "checks"
    for told in (
        f"deep/check_deep.py: it imports 'helper', and Python finds {folder / 'helper.py'} before ",
        "check_third.py: it imports 'statistics', and Python finds ",
    ):
        assert told in finished.stderr


def test_a_broken_helper_is_named_by_its_own_line(workplace: Workplace) -> None:
    helpers(workplace)
    (workplace.folder / "checks" / "deep" / "helper.py").write_text("\n\nthree = (")
    finished = workplace.gate()
    assert finished.code == 3
    assert "checks/deep/helper.py:3" in finished.stderr


def test_a_file_with_the_name_of_a_built_in_one_is_not_mistaken_for_it(
    workplace: Workplace,
) -> None:
    folder = workplace.folder / "contracts" / "golden"
    folder.mkdir(parents=True)
    workplace.checks(GOOD)
    (workplace.folder / "checks" / "check_own.py").rename(folder / "check_upload.py")
    finished = workplace.shakedown("run", "--target", "shakedown.toml", "contracts")
    assert finished.code == 3
    assert "one that comes with Shakedown" in finished.stderr


@pytest.mark.parametrize("words", [[], ["-n", "2"]])
def test_a_conftest_that_cannot_be_read(workplace: Workplace, words: list[str]) -> None:
    workplace.checks(GOOD)
    workplace.checks("import nonsuch", name="conftest.py")
    finished = workplace.gate(*words)
    assert finished.code == 3
    assert "No module named 'nonsuch'" in finished.stderr


def test_a_bad_target_is_refused_before_anything_is_written(workplace: Workplace) -> None:
    workplace.checks(GOOD)
    target = workplace.folder / "shakedown.toml"
    target.write_text(target.read_text().replace("instances", "instnaces"))
    finished = workplace.gate()
    assert finished.code == 3
    assert "shakedown.toml:6: api.instnaces: unknown key" in finished.stderr
    assert not (workplace.folder / "out").exists()


@pytest.mark.parametrize(
    ("behavior", "told"),
    [("dies", "cannot find my settings"), ("never-ready", "api-1")],
)
def test_a_backend_that_does_not_come_up(workplace: Workplace, behavior: str, told: str) -> None:
    workplace.checks(GOOD)
    workplace.target(behavior, ready_timeout_s=1)
    finished = workplace.gate()
    assert finished.code == 3
    assert told in finished.stderr
    assert finished.results["exit_code"] == 3
    assert finished.results["bring_up_seconds"] is None
    assert finished.verdicts == {"own.passes": "inconclusive"}
    assert finished.message("own.passes").startswith("not run: ")
    assert workplace.leftovers() == []


def test_with_worker_processes_it_is_told_once_and_without_secrets(workplace: Workplace) -> None:
    workplace.checks(GOOD)
    workplace.target("dies", ready_timeout_s=1)
    finished = workplace.gate("-n", "2")
    assert finished.code == 3
    assert (finished.stdout + finished.stderr).count("cannot find my settings") == 1
    assert SECRET not in finished.stdout + finished.stderr
    assert not (workplace.folder / "out" / "internal-error.log").exists()
    assert workplace.leftovers() == []


@pytest.mark.parametrize("processes", ["1", "2"])
def test_no_container_engine(workplace: Workplace, processes: str) -> None:
    words = ["run", "--driver", "docker", "--only", "golden.*", "-n", processes, "--out", "out"]
    finished = workplace.shakedown(*words, DOCKER_HOST="unix:///nonexistent")
    assert finished.code == 3
    (line,) = finished.stderr.splitlines()
    assert line.startswith("shakedown: no Docker engine can be reached (No such file or directory)")
    assert "shakedown run --driver embedded" in line
    assert not (workplace.folder / "out" / "internal-error.log").exists()
    assert workplace.leftovers() == []
