"""`shakedown prove --list`: the zoo without running anything."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.prove import prove


@pytest.mark.integration
def test_the_named_defects_are_listed_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(prove, ["--list", "cap-blocks-others", "viewer-may-cancel"])
    assert done.exit_code == 0
    rows = [line for line in done.stdout.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["cap-blocks-others", "viewer-may-cancel"]
    assert "`claim.per-org-cap`" in rows[0]
    assert list(tmp_path.iterdir()) == []
