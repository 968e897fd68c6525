"""The process ends with the code that results.json says, whatever became of the output."""

import json
import os
import signal
import subprocess
import sys

import pytest

from harness.plugin.session.signals import Interruption

from .conftest import DEADLINE_S, Workplace

pytestmark = pytest.mark.integration

ONE = """
@check("own.passes", "It passes", checklist="Own works", observes=1)
async def check_passes(observe):
    observe()
"""

LINKS = """
@check("own.links", "Something happens to the report", checklist="Own works", observes=1)
async def check_links(observe, target):
    for name in {names}:
        os.symlink("/dev/full", "out/" + name)
    observe()
"""


def in_a_shell(workplace: Workplace, redirections: str) -> tuple[int, str]:
    words = [sys.executable, "-m", "harness", *workplace.gate_words()]
    done = subprocess.run(
        ["bash", "-c", f'"$@" {redirections}', "bash", *words],
        cwd=workplace.folder,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return done.returncode, done.stderr


def written(workplace: Workplace) -> object:
    results = json.loads((workplace.folder / "out" / "results.json").read_text(encoding="utf-8"))
    return results["exit_code"]


def test_without_any_standard_stream(workplace: Workplace) -> None:
    workplace.checks(ONE)
    code, _ = in_a_shell(workplace, "<&- >&- 2>&-")
    assert (code, written(workplace)) == (0, 0)


def test_with_a_standard_output_that_is_full(workplace: Workplace) -> None:
    workplace.checks(ONE)
    code, told = in_a_shell(workplace, "> /dev/full")
    assert (code, written(workplace)) == (0, 0)
    assert "standard output cannot be written (No space left on device); the run is in out" in told


def test_a_command_whose_only_result_is_what_it_prints_is_refused(workplace: Workplace) -> None:
    command = f"{sys.executable} -m harness checks --no-built-in checks > /dev/full"
    workplace.checks(ONE)
    done = subprocess.run(
        ["bash", "-c", command], cwd=workplace.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr == (
        "shakedown: standard output cannot be written: No space left on device\n"
    )


def test_a_report_that_finds_no_room_is_for_the_user_to_mend(workplace: Workplace) -> None:
    workplace.checks(LINKS.format(names=["junit.xml"]))
    finished = workplace.gate()
    assert (finished.code, finished.results["exit_code"]) == (3, 3)
    assert "a report could not be written: " in finished.stderr
    assert "No space left on device; free some room" in finished.stderr


def test_results_that_find_no_room_are_not_there(workplace: Workplace) -> None:
    workplace.checks(LINKS.format(names=["results.json.part"]))
    finished = workplace.gate()
    assert finished.code == 3
    assert not (finished.folder / "out" / "results.json").exists()


def test_a_reporter_that_crashes_is_in_the_results(workplace: Workplace) -> None:
    workplace.checks(
        """
        @check("own.in-the-way", "A folder is in the way", checklist="Own works", observes=1)
        async def check_in_the_way(observe):
            os.mkdir("out/junit.xml")
            observe()
        """
    )
    finished = workplace.gate()
    assert (finished.code, finished.results["exit_code"]) == (4, 4)


def test_a_signal_after_the_verdict_changes_nothing() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    interruption = Interruption()
    try:
        with interruption.listening():
            interruption.shield()
            interruption.conclude()
        for number in numbers:
            signal.raise_signal(number)  # until the process has ended
        assert interruption.exit_code is None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
