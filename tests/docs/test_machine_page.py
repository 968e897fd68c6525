"""docs/machine.md is true: its variables are read, and its figures are those of the code."""

import re
from pathlib import Path

from harness.machine.room import DATABASE_BYTES
from harness.postgres import template
from harness.reports import directory

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/machine.md").read_text(encoding="utf-8")
ELSEWHERE = {
    *("TMPDIR", "HTTP_PROXY"),  # read by Python, and by nothing
    *("NO_COLOR", "TERM"),  # also by rich
}


def test_its_variables_are_read() -> None:
    first = "".join(re.findall(r"^\|(.*?)\|", PAGE.partition("## Environment variables")[2], re.M))
    named = set(re.findall(r"`([A-Z_]+)`", first))
    assert len(named) > 8
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "harness").rglob("*")
        if path.suffix in {".py", ".toml"}
    )
    assert [name for name in sorted(named - ELSEWHERE) if name not in code] == []


def test_its_figures_are_those_of_the_code() -> None:
    assert f"less than {DATABASE_BYTES >> 20} MB of room for the database" in PAGE
    assert f"less than {directory._REPORT_BYTES >> 20} MB of room, or" in PAGE
    assert f"no run used for {template._UNUSED_S // 86400} days is removed" in PAGE
