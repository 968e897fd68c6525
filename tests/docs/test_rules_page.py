"""docs/rules.md is what the rules and the measurements are now."""

from pathlib import Path

from harness.findings.fired import (
    FIRED_FILE,
    HAND_MADE_FILE,
    fired,
    fired_as_toml,
    hand_made,
    hand_made_as_toml,
)  # fmt: skip
from harness.findings.rule import rules
from harness.reports.rules_md import COMMAND, rules_as_markdown
from reference_backend.defects import zoo

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    current = rules_as_markdown(rules(), fired(), hand_made())
    written = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert written == current, f"write it anew: {COMMAND}"


def test_the_page_of_results_leads_to_it() -> None:
    assert "](rules.md)" in (DOCS / "results.md").read_text(encoding="utf-8")


def test_the_measurements_are_of_defects_that_there_are_and_in_their_order() -> None:
    measured = {one for checks in fired().values() for ids in checks.values() for one in ids}
    assert measured <= set(zoo())
    assert FIRED_FILE.read_text(encoding="utf-8") == fired_as_toml(fired())


def test_the_tests_that_are_named_are_there_and_in_their_order() -> None:
    files = {one for each in hand_made().values() for one in each}
    assert [one for one in sorted(files) if not (DOCS.parent / one).is_file()] == []
    assert HAND_MADE_FILE.read_text(encoding="utf-8") == hand_made_as_toml(hand_made())


def test_what_was_measured_is_about_rules_that_there_are() -> None:
    assert sorted(({*fired(), *hand_made()}) - set(rules())) == []
