"""A database that is given on the command line, beside what the target file says."""

from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import load_target
from tests.target_files import write

TEXT = """
name = "x"
driver = "external"
api.base_urls = ["http://127.0.0.1:1"]
tokens.given = { token = "t" }
[database]
source = "external"
url = "{env:SHAKEDOWN_DATABASE_URL}"
"""


def test_the_one_that_the_file_reads_itself_is_no_contradiction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAKEDOWN_DATABASE_URL", "postgresql://a@h/d")
    target = load_target(write(tmp_path, TEXT))
    assert target.reading("postgresql://a@h/d") == target
    with pytest.raises(Misconfigured, match="leave the option out"):
        target.reading("postgresql://a@h/other")
