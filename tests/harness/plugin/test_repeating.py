"""What a run prints to repeat a check, pasted into a shell in another folder."""

import shlex
from pathlib import Path

import pytest

from harness.plugin.repeating import variables_that_matter
from harness.plugin.settings import RunSettings
from harness.target import Target, load_target

TEXT = """
name = "mine"
driver = "external"
environment = { KEY = "{env:KEY}" }

[api]
base_urls = ["{env:BACKEND_URL}", "{env:OTHER_URL}"]

[tokens.given]
token = "{env:TOKEN}"
job = "{env:JOB}"

[zoo]
list_command = ["true"]
variable = "MY_DEFECT"
"""

SET = {
    "BACKEND_URL": "http://127.0.0.1:8080",
    "OTHER_URL": "http://127.0.0.1:8081/it's",
    "TOKEN": "marked-token",
    "KEY": "marked-key",
    "JOB": "it's-7",
    "MY_DEFECT": "a,b",
    "UNRELATED": "1",
}


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    for name, value in SET.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "shakedown.toml").write_text(TEXT)
    return load_target(tmp_path / "shakedown.toml")


def test_it_sets_what_the_target_read_and_a_secret_only_by_its_name(target: Target) -> None:
    words = variables_that_matter(target)
    assert "marked" not in " ".join(words)
    assert set(words) == {
        "BACKEND_URL=http://127.0.0.1:8080",
        "OTHER_URL='http://127.0.0.1:8081/it'\"'\"'s'",
        'TOKEN="$TOKEN"',
        'KEY="$KEY"',
        "JOB='it'\"'\"'s-7'",
        "MY_DEFECT=a,b",
    }


def test_what_an_option_sets_is_left_out_and_what_it_kept_secret_is_named(target: Target) -> None:
    words = variables_that_matter(target, but=["BACKEND_URL"], secret=["SHAKEDOWN_DATABASE_URL"])
    assert not [word for word in words if word.startswith("BACKEND_URL")]
    assert words[-1] == 'SHAKEDOWN_DATABASE_URL="$SHAKEDOWN_DATABASE_URL"'


def test_the_reference_backends_defect_is_set() -> None:
    there = {"REFERENCE_BACKEND_DEFECT": "cap-counted-without-lock", "BACKEND_URL": "http://x"}
    assert variables_that_matter(load_target(), environment=there) == (
        "REFERENCE_BACKEND_DEFECT=cap-counted-without-lock",
    )


def test_paths_lead_there_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = RunSettings(
        seed=7, report_path=Path("out"), target_path=Path("my target.toml"), profile="full",
        variables=("A='b c'",), folders=("checks", "more/check_x.py::check_y"), cleanup=True,
    )  # fmt: skip
    here = str(tmp_path)
    assert shlex.split(settings.reproduce_command("own.x[a b]")) == [
        "A=b c", "shakedown", "run", "--only", "own.x[a b]", "--seed", "7",
        "--target", f"{here}/my target.toml", "--profile", "full", "--cleanup",
        f"{here}/checks", f"{here}/more/check_x.py::check_y",
    ]  # fmt: skip


def test_the_current_folder_and_the_driver_are_named_where_they_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = RunSettings(seed=7, report_path=Path("out"), built_in=False, driver="embedded")
    words = shlex.split(settings.reproduce_command("own.x"))
    assert words[6:] == ["--driver", "embedded", "--no-built-in", str(tmp_path)]
