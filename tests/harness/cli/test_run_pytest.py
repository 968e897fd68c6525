"""pytest is the engine: what stands behind `--` works as everyone expects."""

import re

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration

THREE = """
@check("own.first", "First", checklist="Own works", observes=1)
async def check_first(observe):
    observe()

@check("own.second", "Second", checklist="Own works", observes=1)
async def check_second(observe):
    local = "seen in the debugger"
    raise CheckFailed(expected="a", got="b")

@check("own.third", "Third", checklist="Own works", observes=1)
async def check_third(observe):
    observe()
"""


def test_x_stops_at_the_first_failure_and_the_rest_is_told_as_not_run(workplace: Workplace) -> None:
    workplace.checks(THREE)
    finished = workplace.gate("--", "-x")
    assert finished.code == 1
    assert finished.verdicts["own.third"] == "inconclusive"
    assert finished.message("own.third") == "not run: stopping after 1 failures"


def test_k_selects(workplace: Workplace) -> None:
    workplace.checks(THREE)
    assert workplace.gate("--", "-k", "first or third").verdicts == {
        "own.first": "pass",
        "own.third": "pass",
    }


def test_pdb_opens_where_the_check_failed(workplace: Workplace) -> None:
    workplace.checks(THREE)
    finished = workplace.gate("--", "--pdb", typed="p local\nc\n")
    assert "'seen in the debugger'" in finished.stdout
    assert finished.verdicts["own.second"] == "fail"
    assert finished.verdicts["own.third"] == "pass"


def test_output_capture_can_be_turned_off(workplace: Workplace) -> None:
    workplace.checks(
        """
        @check("own.prints", "Prints", checklist="Own works", observes=1)
        async def check_prints(observe):
            observe()
            print("straight to the terminal")
        """
    )
    assert "straight to the terminal" in workplace.gate("--", "-s").stdout
    assert "straight to the terminal" not in workplace.gate().stdout


def test_the_teams_own_pytest_settings_stay_out(workplace: Workplace) -> None:
    workplace.checks(THREE)
    (workplace.folder / "pytest.ini").write_text("[pytest]\naddopts = --bogus\n")
    assert workplace.gate("--only", "own.first", PYTEST_ADDOPTS="--bogus").code == 0


def test_a_conftest_beside_the_checks_is_used(workplace: Workplace) -> None:
    workplace.checks("@pytest.fixture\ndef answer(): return 42\n", name="conftest.py")
    workplace.checks(
        """
        @check("own.fixture", "Uses a fixture", checklist="Own works", observes=42)
        async def check_fixture(observe, answer):
            observe(answer)
        """
    )
    assert workplace.gate().code == 0


def test_in_processes_every_check_has_its_verdict_and_one_system_serves_them(
    workplace: Workplace,
) -> None:
    workplace.checks(
        """
        import os

        @pytest.mark.parametrize("number", range(6))
        @check("own.many", "Many", checklist="Own works", observes=1)
        async def check_many(observe, system, number):
            observe()
            await asyncio.sleep(0.1)
            raise CheckFailed(expected=system.api[0].base_url, got=str(os.getpid()))

        @check("own.crash", "Kills its process", checklist="Own works", observes=1)
        async def check_crash(observe):
            os._exit(7)

        @check("own.one", "One", checklist="Own works", observes=1)
        async def check_one(observe):
            observe()
            assert {"a": 1} == {"a": 2}
        """
    )
    finished = workplace.gate("-n", "2")
    assert finished.code == 1
    assert finished.verdicts == {
        **{f"own.many[{number}]": "fail" for number in range(6)},
        "own.crash": "inconclusive",
        "own.one": "fail",
    }
    assert "the worker process that ran it died" in finished.message("own.crash")
    assert "{'a': 1} == {'a': 2}" in finished.message("own.one")
    told = [finished.message(f"own.many[{number}]") for number in range(6)]
    assert len({re.search(r"expected (.*)", each)[1] for each in told}) == 1  # type: ignore[index]
    assert len({re.search(r"got (.*)", each)[1] for each in told}) > 1  # type: ignore[index]
    assert workplace.leftovers() == []


@pytest.mark.parametrize("words", [["-n", "2"], ["--", "-n", "2"]])
def test_what_cannot_be_is_refused_in_processes_too(workplace: Workplace, words: list[str]) -> None:
    workplace.checks(THREE)
    workplace.checks("import nonsuch", name="check_broken.py")
    finished = workplace.gate(*words)
    assert finished.code == 3
    assert "nonsuch" in finished.stderr
    assert workplace.leftovers() == []


def test_x_stops_processes_too(workplace: Workplace) -> None:
    workplace.checks(THREE)
    workplace.checks(
        """
        @pytest.mark.parametrize("number", range(20))
        @check("late.many", "Many", checklist="Own works", observes=1)
        async def check_many(observe, number):
            observe()
            await asyncio.sleep(0.2)
        """,
        name="check_late.py",
    )
    finished = workplace.gate("-n", "2", "--", "-x")
    assert finished.code == 1
    assert len(finished.verdicts) == 23
    assert "inconclusive" in finished.verdicts.values()
