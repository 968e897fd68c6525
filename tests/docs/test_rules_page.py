"""docs/rules.md is what the rules and the measurements are now."""

from pathlib import Path

from harness.findings.fired import FIRED_FILE, fired, fired_as_toml
from harness.findings.rule import rules
from harness.reports.rules_md import COMMAND, rules_as_markdown
from reference_backend.defects import zoo

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    current = rules_as_markdown(rules(), fired())
    written = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert written == current, f"write it anew: {COMMAND}"


def test_the_page_of_results_leads_to_it() -> None:
    assert "](rules.md)" in (DOCS / "results.md").read_text(encoding="utf-8")


def test_the_measurements_are_of_defects_that_there_are_and_in_their_order() -> None:
    measured = {one for checks in fired().values() for ids in checks.values() for one in ids}
    assert measured <= set(zoo())
    assert FIRED_FILE.read_text(encoding="utf-8") == fired_as_toml(fired())
