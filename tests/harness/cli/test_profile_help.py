"""What `run --help` says of the profiles is what the checks themselves say."""

import re

from harness.cli.profile_help import describe_profiles
from tests.harness.reports.test_eighty_columns import SHIPPED


def test_the_numbers_are_those_of_the_checks_that_come_along() -> None:
    said = describe_profiles()
    for profile, pattern in (
        ("quick", r"quick: (\d+) checks\."),
        ("full", r"full: (\d+|no) more"),
        ("soak", r"soak: (\d+|no) more"),
    ):
        found = re.search(pattern, said)
        assert found is not None, said
        number = sum(spec.profile == profile for spec in SHIPPED)
        assert found[1] == (str(number) if number else "no"), profile


def test_one_that_adds_nothing_says_so_and_one_that_only_does_more_says_what() -> None:
    said = describe_profiles()
    assert ("it is the same as full" in said) is not any(s.profile == "soak" for s in SHIPPED)
    assert "contract.fuzz and contract.stateful send more requests" in said
