"""docs/kill-matrix.md is what `shakedown prove` wrote, of the zoo as it is now."""

import re
from pathlib import Path

from reference_backend.defects import zoo

PAGE = (Path(__file__).parents[2] / "docs" / "kill-matrix.md").read_text(encoding="utf-8")
ROWS = {
    found[1]: found[0] for found in re.finditer(r"^\| `([a-z0-9-]+)` \| .*$", PAGE, re.MULTILINE)
}


def test_every_defect_of_the_zoo_is_on_the_page_and_was_killed() -> None:
    assert set(ROWS) == set(zoo())
    for name, row in ROWS.items():
        assert row.endswith("| killed |"), name


def test_the_page_is_of_the_zoo_as_it_is() -> None:
    for name, defect in zoo().items():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", ROWS[name])]
        assert cells[2].replace("\\|", "|") == defect.title, name
        assert cells[4] == ", ".join(f"`{check}`" for check in defect.expected), name


def test_every_check_has_caught_something() -> None:
    checks = PAGE.partition("## The checks")[2]
    assert checks.count("| `") > 15
    assert "NONE" not in checks
