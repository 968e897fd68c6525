"""What `shakedown run` makes of checks: verdicts, exit codes, reports."""

from xml.etree import ElementTree

import pytest

from .conftest import SECRET, Finished, Workplace

pytestmark = pytest.mark.integration

OWN = """
@check("own.passes", "It passes", checklist="Own works", observes=3)
async def check_passes(observe, system):
    observe(2, "this")
    observe(1, "that")
    assert len(system.api) == 1

@check("own.fails", "It fails", checklist="Own works", observes=1)
async def check_fails(observe, target):
    print("printed by the check")
    secret = target.tokens.mint.secret.get_secret_value()
    raise CheckFailed(expected="a 201", got=f"a 500 with {secret}")

@check("own.asserts", "It asserts", checklist="Own works", observes=1)
async def check_asserts(observe):
    answer = {"status": 500}
    assert answer["status"] == 201

@check("open.crashes", "It crashes", checklist="Open ends", observes=1)
async def check_crashes(observe):
    observe()
    {}["missing"]

@check("open.unseen", "It sees little", checklist="Open ends", observes=20)
async def check_unseen(observe):
    observe(3, "answers")

@check("open.slow", "It is slow", checklist="Open ends", observes=1, deadline_s=0.2)
async def check_slow(observe):
    observe()
    await asyncio.sleep(60)

@check("open.stuck", "It fails in the end", checklist="Open ends", observes=1, deadline_s=0.2)
async def check_stuck(observe):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise CheckFailed(expected="an answer in time", got="none")

@check("open.needs", "Needy", checklist="Open ends", observes=1, needs=[Capability.DATABASE])
async def check_needs(observe):
    observe()

@check("open.skipped", "It skips itself", checklist="Open ends", observes=1)
async def check_skipped(observe):
    observe()
    pytest.skip("not today")

@pytest.fixture
async def breaks_afterwards():
    yield
    raise RuntimeError("cannot clean up")

@check("open.teardown", "Its fixture breaks", checklist="Open ends", observes=1)
async def check_teardown(observe, breaks_afterwards):
    observe()

@check("own.tasks", "One of its tasks fails", checklist="Own works", observes=1)
async def check_tasks(observe):
    async def fail():
        raise CheckFailed(expected="once", got="twice")
    async with asyncio.TaskGroup() as group:
        group.create_task(fail())
"""


@pytest.fixture(scope="module")
def mixed(shared_workplace: Workplace) -> Finished:
    shared_workplace.checks(OWN)
    return shared_workplace.gate("--seed", "7")


def test_each_check_has_its_verdict_and_fail_dominates(mixed: Finished) -> None:
    assert mixed.verdicts == {
        "own.passes": "pass",
        "own.fails": "fail",
        "own.asserts": "fail",
        "open.crashes": "inconclusive",
        "open.unseen": "inconclusive",
        "open.slow": "inconclusive",
        "open.stuck": "fail",
        "open.needs": "inconclusive",
        "open.skipped": "inconclusive",
        "open.teardown": "inconclusive",
        "own.tasks": "fail",
    }
    assert (mixed.code, mixed.results["exit_code"], mixed.results["verdict"]) == (1, 1, "fail")


@pytest.mark.parametrize(
    ("check_id", "told"),
    [
        ("own.fails", "expected a 201\ngot a 500 with ***"),
        ("own.asserts", "assert 500 == 201"),
        ("open.crashes", "the check crashed: KeyError: 'missing', at checks/check_own.py:"),
        ("open.unseen", "observed 3 (answers: 3) of the 20 that a pass needs"),
        ("open.slow", "not done after 0.2 s (its deadline), at checks/check_own.py:"),
        ("open.needs", "this target does not offer: database"),
        ("open.skipped", "skipped: not today"),
        ("open.teardown", "the check crashed: RuntimeError: cannot clean up"),
        ("own.tasks", "expected once\ngot twice"),
    ],
)
def test_a_message_says_why(mixed: Finished, check_id: str, told: str) -> None:
    assert told in mixed.message(check_id)


def test_results_hold_what_the_run_was(mixed: Finished) -> None:
    results = mixed.results
    assert results["seed"] == 7
    assert results["target"] == {
        "name": "standin", "api_instances": 1, "workers": 0, "postgres": None,
    }  # fmt: skip
    assert 0 < results["bring_up_seconds"] < results["seconds"]
    (passed,) = [check for check in results["checks"] if check["verdict"] == "pass"]
    assert (passed["observations"], passed["needed_observations"], passed["message"]) == (3, 3, "")


def test_junit_tells_failures_from_errors(mixed: Finished) -> None:
    suite = ElementTree.parse(mixed.folder / "out" / "junit.xml").getroot()[0]  # noqa: S314 - ours
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["11", "4", "6"]


def test_each_failure_comes_with_the_command_that_repeats_it(mixed: Finished) -> None:
    here = mixed.folder
    repeat = "shakedown run --only own.fails --seed 7 "
    repeat += f"--target {here / 'shakedown.toml'} --no-built-in {here / 'checks'}"
    assert f"  reproduce {repeat}" in mixed.stdout.splitlines()


def test_a_traceback_is_in_the_log_and_not_on_the_terminal(mixed: Finished) -> None:
    assert "Traceback" not in mixed.stdout + mixed.stderr
    assert "printed by the check" not in mixed.stdout + mixed.stderr
    log = (mixed.folder / "out" / "checks" / "own.fails.log").read_text()
    assert "raise CheckFailed" in log
    assert "printed by the check" in log


def test_the_log_of_every_instance_is_kept(mixed: Finished) -> None:
    assert "the secret is ***" in (mixed.folder / "out" / "logs" / "api-1.log").read_text()


def test_no_secret_is_in_anything_that_was_written_or_printed(mixed: Finished) -> None:
    written = [path for path in (mixed.folder / "out").rglob("*") if path.is_file()]
    assert len(written) > 3
    for path in written:
        assert SECRET not in path.read_text(encoding="utf-8"), path
    assert SECRET not in mixed.stdout + mixed.stderr


def test_nothing_is_left_of_the_run_but_its_report(
    mixed: Finished, shared_workplace: Workplace
) -> None:
    assert shared_workplace.leftovers() == []
    assert sorted(path.name for path in mixed.folder.iterdir()) == [
        "checks", "out", "shakedown.toml", "temp",
    ]  # fmt: skip


def test_all_passing_is_exit_code_0(workplace: Workplace) -> None:
    workplace.checks(OWN)
    finished = workplace.gate("--only", "own.passes")
    assert (finished.code, finished.results["verdict"]) == (0, "pass")
    assert finished.stdout.splitlines()[-1].startswith("PASS: 1 passed in ")


def test_inconclusive_is_exit_code_2_unless_the_gap_is_allowed(workplace: Workplace) -> None:
    workplace.checks(OWN)
    some = ["--only", "own.passes,open.needs"]
    assert workplace.gate(*some).code == 2
    allowed = workplace.gate(*some, "--allow-inconclusive", "open.needs")
    assert (allowed.code, allowed.results["verdict"]) == (0, "pass")
    assert allowed.verdicts["open.needs"] == "inconclusive"
    assert "inconclusive, and allowed to be: open.needs" in allowed.stdout


def test_a_run_in_which_nothing_passed_is_no_pass_whatever_is_allowed(workplace: Workplace) -> None:
    workplace.checks(OWN)
    finished = workplace.gate("--only", "open.needs", "--allow-inconclusive", "open.needs")
    assert (finished.code, finished.results["verdict"]) == (2, "inconclusive")


def test_a_pattern_does_not_ask_for_faults_that_the_target_does_not_declare(
    workplace: Workplace,
) -> None:
    workplace.checks(
        """
        @check("own.passes", "It passes", checklist="Own works", observes=1)
        async def check_passes(observe):
            observe()

        @check("own.faulty", "Faulty", checklist="Own works", observes=1, needs=["faults"])
        async def check_faulty(observe):
            observe()

        @check("own.data", "Data", checklist="Own works", observes=1, needs=["database"])
        async def check_data(observe):
            observe()
        """
    )
    some = workplace.gate("--only", "own.passes,own.f*")
    assert (some.code, some.verdicts) == (0, {"own.passes": "pass"})
    # What could be looked at if the target said more is a gap, and so is what is asked for alone.
    for only in ("own.passes,own.d*", "own.passes,own.faulty", "own.f*"):
        assert workplace.gate("--only", only).code == 2


def test_a_failure_cannot_be_allowed(workplace: Workplace) -> None:
    workplace.checks(OWN)
    finished = workplace.gate("--only", "own.*", "--allow-inconclusive", "own.fails")
    assert finished.code == 1


def test_a_seed_repeats_a_run_whatever_the_hash_seed(workplace: Workplace) -> None:
    workplace.checks(
        """
        from hypothesis import given, settings, strategies as st

        drawn = []

        @check("own.draws", "It draws", checklist="Own works", observes=1)
        async def check_draws(observe, rng, seed):
            observe()
            raise CheckFailed(expected=str(seed), got=str(rng.random()))

        @check("own.generates", "It generates", checklist="Own works", observes=1)
        @settings(max_examples=20)
        @given(number=st.integers())
        async def check_generates(observe, number):
            observe()
            drawn.append(number)

        @check("own.tells", "It tells", checklist="Own works", observes=1)
        async def check_tells(observe):
            raise CheckFailed(expected="-", got=str(drawn))
        """
    )

    def drawn(seed: str, hash_seed: str) -> list[str]:
        finished = workplace.gate("--seed", seed, PYTHONHASHSEED=hash_seed)
        assert finished.verdicts["own.generates"] == "pass"
        return [finished.message(check_id) for check_id in ("own.draws", "own.tells")]

    one = drawn("11", "1")
    assert drawn("11", "2") == one
    assert all(a != b for a, b in zip(drawn("12", "1"), one, strict=True))
    assert not (workplace.folder / ".hypothesis").exists()


def test_an_instance_that_ended_is_part_of_the_reason(workplace: Workplace) -> None:
    workplace.checks(
        """
        @check("own.after-a-crash", "Its backend crashed", checklist="Own works", observes=1)
        async def check_after_a_crash(observe, system):
            observe()
            os.kill(system.api[0].pid, 9)  # as it would by itself
            while system.is_alive(system.api[0]):
                await asyncio.sleep(0.01)
            raise CheckFailed(expected="an answer", got="none")
        """
    )
    finished = workplace.gate()
    assert finished.code == 1, finished.stderr
    message = finished.message("own.after-a-crash")
    assert message.startswith("expected an answer\ngot none\napi-1 is no longer running")


@pytest.mark.parametrize("words", [[], ["-n", "2"]])
def test_old_names_are_shown_once_each_with_their_place_and_change_no_verdict(
    workplace: Workplace, words: list[str]
) -> None:
    workplace.checks(
        """
        @pytest.mark.parametrize("number", range(4))
        @check("own.old", "It uses old names", checklist="Own works", observes=1)
        async def check_old(observe, organisations, number):
            observe()
            expect(True, expected="one", came="one")
        """
    )
    source = workplace.folder / "checks" / "check_own.py"
    lines = source.read_text(encoding="utf-8").splitlines()
    finished = workplace.gate(*words)
    assert (finished.code, finished.results["verdict"]) == (0, "pass")
    shown = finished.stdout.splitlines()
    came = 1 + next(number for number, line in enumerate(lines) if "came=" in line)
    assert shown.count(f"  checks/check_own.py:{came}: write got= instead of came=") == 1
    fixture = [line for line in shown if "instead of the fixture organisations" in line]
    assert len(fixture) == 1
    assert fixture[0].startswith("  checks/check_own.py:")
