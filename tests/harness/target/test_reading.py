"""A database that is given on the command line, beside what the target file says."""

import os
from pathlib import Path

import pytest

from harness.cli.options import DATABASE_VARIABLE, given_database, read_with
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


def test_the_variable_stays_for_processes_that_load_the_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://a@h/d")
    target = load_target(write(tmp_path, TEXT))
    database = given_database(None)
    assert database is not None
    assert read_with(target, database) is target
    assert os.environ[DATABASE_VARIABLE] == "postgresql://a@h/d"
    without = load_target(write(tmp_path, TEXT.partition("[database]")[0]))
    database = given_database(None)
    assert database is not None
    assert read_with(without, database) is not without
    assert DATABASE_VARIABLE not in os.environ
