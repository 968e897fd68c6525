"""`shakedown explain`: checks and rules by their ids."""

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration


def test_a_check_and_a_rule_are_explained_within_eighty_columns(workplace: Workplace) -> None:
    finished = workplace.shakedown("explain", "golden.upload", "header.location")
    assert finished.code == 0, finished.stderr
    check, rule = finished.stdout.split("\n\nheader.location\n")
    assert check.startswith("golden.upload\n  A file of each type is sealed")
    assert "upload-location-elsewhere" in check, "a defect of the reference zoo that it must catch"
    assert "  fix       " in rule
    assert max(map(len, finished.stdout.splitlines())) <= 80
    assert "\x1b" not in finished.stdout


def test_a_pattern_lists_checks_and_rules_also_those_of_a_folder(workplace: Workplace) -> None:
    workplace.checks(
        """
        @check("own.a", "A holds", checklist="Own works", observes=1)
        async def check_a(observe): pass
        """
    )
    finished = workplace.shakedown("explain", "o*.a", "*.location", "--checks", "checks")
    assert finished.code == 0, finished.stderr
    assert finished.stdout.splitlines()[::2] == ["own.a", "header.location"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("header.locaton",), "did you mean header.location"),
        (("golden",), "did you mean golden.*?"),
        (("nothing-like-it",), "`shakedown explain '*'` lists them all"),
        ((), "give ids of checks or rules, or --all"),
        (("golden.upload", "--all"), "give ids of checks or rules, or --all"),
        (("golden.upload", "--markdown"), "use it with --all alone"),
        (("golden.upload", "--checks", "nowhere"), "nowhere: there is no such folder"),
    ],
)
def test_what_is_not_there_is_refused(
    workplace: Workplace, words: tuple[str, ...], told: str
) -> None:
    finished = workplace.shakedown("explain", *words)
    assert (finished.code, finished.stdout) == (3, "")
    assert told in finished.stderr
