"""docs/own-checks.md is true: its names exist, it lists every fixture, and its example runs."""

import importlib
import inspect
import os
import re
from pathlib import Path

import pytest

import harness.plugin.fixtures
from harness.client import Client, Organization, Samples
from harness.target import Capability
from tests.warm import run_shakedown

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/own-checks.md").read_text(encoding="utf-8")

NOT_FOR_CHECKS = {"permitted", "history_of_run"}
"""Fixtures that act by themselves, or that others stand on."""


def _section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_every_listed_name_can_be_imported() -> None:
    rows = re.findall(r"^\| `(harness[\w.]*)` \| (.*) \|$", _section("What you may import"), re.M)
    assert len(rows) > 10
    for module, names in rows:
        for name in re.findall(r"`(\w+)`", names):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_every_fixture_is_listed() -> None:
    made = {
        name
        for name, value in vars(harness.plugin.fixtures).items()
        if type(value).__name__ == "FixtureFunctionDefinition"
    }
    assert "org" in made
    first = "".join(re.findall(r"^\|(.*?)\|", _section("Fixtures"), re.M))
    old = set(re.findall(r"fixture `(\w+)`", _section("Old names")))
    assert set(re.findall(r"`(\w+)`", first)) | old | NOT_FOR_CHECKS == made


def test_every_capability_is_listed() -> None:
    first = "".join(re.findall(r"^\|(.*?)\|", _section("Capabilities"), re.M))
    assert set(re.findall(r"`([\w-]+)`", first)) == set(map(str, Capability))


def test_every_argument_of_a_call_is_listed() -> None:
    first = "".join(re.findall(r"^\|(.*?)\|", _section("Requests"), re.M))
    arguments = set(inspect.signature(Client.call).parameters) - {"self"}
    assert set(re.findall(r"`(\w+)`", first)) == arguments


def test_what_is_called_on_a_client_and_on_samples_exists() -> None:
    requests, files = _section("Requests"), _section("Files to upload")
    named = {
        Client: re.findall(r"`client\.(\w+)\(", requests),
        Organization: re.findall(r"`org\.(\w+)\(", requests),
        Samples: re.findall(r"`samples\.(\w+)\(", files),
    }
    for owner, names in named.items():
        assert names
        assert [name for name in names if not hasattr(owner, name)] == []


@pytest.mark.integration
def test_the_example_is_one_file_and_passes(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    # Ruff and mypy hold the files of docs/examples to the rules of the product.
    assert example == (ROOT / "docs/examples/check_job_titles.py").read_text(encoding="utf-8")
    (tmp_path / "check_job_titles.py").write_text(example, encoding="utf-8")
    words = ["run", "--no-built-in", "--out", "out", "."]
    done = run_shakedown(words, cwd=tmp_path, env=dict(os.environ), deadline_s=90)
    assert done.code == 0, done.stdout + done.stderr
    assert "own.job-titles" in (tmp_path / "out" / "coverage.md").read_text(encoding="utf-8")
