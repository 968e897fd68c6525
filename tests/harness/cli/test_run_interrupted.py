"""Ctrl-C and SIGTERM at any moment: everything is taken down, what is known is reported."""

import os
import signal

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration

SLOW = """
@pytest.fixture
async def cleaned():
    yield
    open("fixture-down", "w").close()

@check("own.first", "First", checklist="Own works", observes=1)
async def check_first(observe):
    observe()

@check("own.waits", "Waits", checklist="Own works", observes=1)
async def check_waits(observe, cleaned):
    observe()
    try:
        open("waiting", "w").close()
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.05)
        open("check-cleaned", "w").close()

@check("own.last", "Last", checklist="Own works", observes=1)
async def check_last(observe):
    observe()
"""


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, []),
        (signal.SIGTERM, 143, []),
        (signal.SIGHUP, 129, []),
        (signal.SIGINT, 130, ["-n", "2"]),
        (signal.SIGTERM, 143, ["-n", "2"]),  # and SIGHUP, which is handled alike
    ],
)
def test_during_a_check(
    workplace: Workplace, number: signal.Signals, code: int, words: list[str]
) -> None:
    workplace.checks(SLOW)
    process = workplace.start(*workplace.gate_words(*words))
    workplace.wait_for((workplace.folder / "waiting").exists, "the check to wait")
    process.send_signal(number)
    finished = workplace.finish(process)
    assert finished.code == code
    assert finished.results["exit_code"] == code
    assert finished.results["verdict"] == "inconclusive"
    assert finished.message("own.waits") == f"did not finish: interrupted by {number.name}"
    assert (workplace.folder / "check-cleaned").exists()
    assert (workplace.folder / "fixture-down").exists()
    assert workplace.leftovers() == []


def test_ctrl_c_reaches_the_whole_terminal_group(workplace: Workplace) -> None:
    workplace.checks(SLOW)
    process = workplace.start(*workplace.gate_words("-n", "2"))
    workplace.wait_for((workplace.folder / "waiting").exists, "the check to wait")
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)  # somebody impatient
    finished = workplace.finish(process)
    assert finished.code == 130
    assert (workplace.folder / "fixture-down").exists()
    assert workplace.leftovers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_during_bring_up(workplace: Workplace, number: signal.Signals) -> None:
    workplace.checks(SLOW)
    workplace.target("never-ready", ready_timeout_s=50)
    process = workplace.start(*workplace.gate_words())
    workplace.wait_for(lambda: len(workplace.leftovers()) > 2, "the backend to be started")
    process.send_signal(number)
    finished = workplace.finish(process)
    assert finished.code == 128 + number
    assert set(finished.verdicts.values()) == {"inconclusive"}
    assert workplace.leftovers() == []


def test_twice_still_leaves_nothing(workplace: Workplace) -> None:
    workplace.checks(SLOW)
    process = workplace.start(*workplace.gate_words())
    workplace.wait_for((workplace.folder / "waiting").exists, "the check to wait")
    process.send_signal(signal.SIGTERM)
    workplace.wait_for((workplace.folder / "check-cleaned").exists, "the check to clean up")
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    finished = workplace.finish(process)
    assert finished.code == 143
    assert finished.verdicts["own.first"] == "pass"
    assert workplace.leftovers() == []


def test_a_failure_that_was_found_by_then_is_still_a_failure(workplace: Workplace) -> None:
    first = "async def check_first(observe):\n"
    workplace.checks(SLOW.replace(f"{first}    observe()", f"{first}    assert False"))
    process = workplace.start(*workplace.gate_words())
    workplace.wait_for((workplace.folder / "waiting").exists, "the check to wait")
    process.send_signal(signal.SIGTERM)
    finished = workplace.finish(process)
    assert finished.code == 143
    assert finished.results["verdict"] == "fail"


def test_an_error_of_our_own_is_told_and_takes_everything_down(workplace: Workplace) -> None:
    workplace.checks(SLOW)
    workplace.checks(
        """
        import harness.plugin.checking.execution

        def broken(item):
            raise ZeroDivisionError("a bug")

        harness.plugin.checking.execution.result_of = broken
        """,
        name="conftest.py",
    )
    finished = workplace.gate("--only", "own.first,own.last")
    assert finished.code == 4
    assert finished.results["exit_code"] == 4
    assert set(finished.verdicts.values()) == {"inconclusive"}
    assert "an error in shakedown itself: ZeroDivisionError: a bug" in finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    assert "INTERNALERROR" not in finished.stdout + finished.stderr
    assert "a bug" in (workplace.folder / "out" / "internal-error.log").read_text()
    assert workplace.leftovers() == []


def test_a_check_that_blocks_the_event_loop_is_torn_out_of_it(workplace: Workplace) -> None:
    workplace.checks(
        """
        import harness.plugin.checking.execution
        harness.plugin.checking.execution.WATCHDOG_SLACK_S = 0.2

        @check("own.blocks", "Blocks", checklist="Own works", observes=1, deadline_s=0.1)
        async def check_blocks(observe):
            observe()
            time.sleep(30)

        @check("own.next", "Next", checklist="Own works", observes=1)
        async def check_next(observe):
            observe()
        """
    )
    finished = workplace.gate()
    assert finished.verdicts == {"own.blocks": "inconclusive", "own.next": "pass"}
    assert "something blocks the event loop" in finished.message("own.blocks")
