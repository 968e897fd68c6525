"""`--help`, `--version`, `checks`, `up`, `recover`."""

import signal
import subprocess
import sys
import urllib.request

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration


def test_help_teaches_and_lists_only_what_exists(workplace: Workplace) -> None:
    finished = workplace.shakedown("--help")
    assert finished.code == 0
    for told in (
        "shakedown run --target",
        "--only",
        "Exit codes",
        "checks",
        "drill all",
        "recover",
    ):
        assert told in finished.stdout
    for missing in ("soak ", "watch"):
        assert missing not in finished.stdout


@pytest.mark.parametrize(
    "command",
    ["run", "drill", "up", "init", "target", "checks", "explain", "prove", "recheck", "recover"],
)
def test_every_listed_command_has_help(workplace: Workplace, command: str) -> None:
    finished = workplace.shakedown(command, "--help")
    assert finished.code == 0
    assert "Usage: " in finished.stdout


def test_help_loads_nothing_that_takes_long() -> None:
    program = (
        "import sys; from harness.cli import cli; cli.main(['--help'], standalone_mode=False); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    slow = {"pytest", "pydantic", "aiohttp", "psycopg", "schemathesis", "hypothesis", "locust"}
    assert not loaded & slow


def test_version(workplace: Workplace) -> None:
    finished = workplace.shakedown("--version")
    assert (finished.code, finished.stdout.split()[0]) == (0, "shakedown")


def test_an_unknown_command_is_misconfigured(workplace: Workplace) -> None:
    finished = workplace.shakedown("rnu")
    assert finished.code == 3
    assert "rnu" in finished.stderr


def test_checks_lists_each_with_its_needs_and_whether_the_target_allows_it(
    workplace: Workplace,
) -> None:
    workplace.checks(
        """
        @check("own.a", "A holds", checklist="Own works", observes=1)
        async def check_a(observe):
            "Two clients ask\\nat once."

        @check("own.b", "B holds", checklist="Own works", observes=1, profile="soak",
               needs=[Capability.DATABASE, Capability.KILL])
        async def check_b(observe): pass
        """
    )
    finished = workplace.shakedown(
        "checks", "--target", "shakedown.toml", "--no-built-in", "checks"
    )
    assert finished.code == 0
    assert finished.stdout.splitlines() == [
        "own.a\tA holds\tOwn works\tquick\t\tall",
        "own.b\tB holds\tOwn works\tsoak\tdatabase, kill\tnot at all: without database",
    ]
    verbose = workplace.shakedown(
        "checks", "--target", "shakedown.toml", "--no-built-in", "checks", "--verbose"
    )
    first = verbose.stdout.splitlines()[0]
    assert first == "own.a\tA holds\tOwn works\tquick\t\tall\tTwo clients ask at once."


def test_checks_knows_those_that_come_along(workplace: Workplace) -> None:
    finished = workplace.shakedown("checks")
    ids = [line.split("\t")[0] for line in finished.stdout.splitlines()]
    assert {"golden.upload", "golden.export-download"} <= set(ids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_prints_what_a_client_needs_and_stays_until_it_is_told_to_go(
    workplace: Workplace, number: signal.Signals
) -> None:
    process = workplace.start("up", "--target", "shakedown.toml", "--instances", "2")
    assert process.stdout is not None
    exported = {}
    while "JOB_ID_ORG_B" not in exported:
        line = process.stdout.readline()
        assert line.startswith("export "), line
        name, _, value = line.removeprefix("export ").strip().partition("=")
        exported[name] = value
    with urllib.request.urlopen(exported["BACKEND_URL"] + "/readyz") as answer:  # noqa: S310 - http
        assert answer.status == 200
    assert exported["JWT_TOKEN"] == exported["JWT_ORG_A"] != exported["JWT_ORG_B"]
    assert process.poll() is None
    process.send_signal(number)
    finished = workplace.finish(process)
    assert finished.code == 0
    assert "api-2" in finished.stderr
    assert workplace.leftovers() == []


def test_up_of_a_backend_that_dies_is_misconfigured(workplace: Workplace) -> None:
    workplace.target("dies")
    finished = workplace.shakedown("up", "--target", "shakedown.toml")
    assert finished.code == 3
    assert "cannot find my settings" in finished.stderr
    assert finished.stdout == ""
    assert workplace.leftovers() == []


def test_up_of_a_backend_that_refuses_its_job_says_so(workplace: Workplace) -> None:
    workplace.target("refuses")
    finished = workplace.shakedown("up", "--target", "shakedown.toml")
    assert finished.code == 1
    assert finished.stdout == ""
    assert "expected 201 from createJob\ngot 403" in finished.stderr
    assert "no tenant of that name" in finished.stderr
    assert "error in shakedown" not in finished.stderr
    assert "Traceback" not in finished.stderr
    assert workplace.leftovers() == []


def test_recover_ends_what_a_killed_run_left_behind(workplace: Workplace) -> None:
    process = workplace.start("up", "--target", "shakedown.toml")
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    workplace.finish(process)
    (left,) = workplace.run_directories()
    run_id = left.rpartition("shakedown-")[2]
    assert len(workplace.leftovers()) > 1
    finished = workplace.shakedown("recover")
    # Not the exit code: other runs may have left what cannot be healed now, such as containers.
    assert run_id not in finished.stderr
    assert f"recovered run {run_id}: ended " in finished.stdout
    assert workplace.leftovers() == []
    assert run_id not in workplace.shakedown("recover").stdout
