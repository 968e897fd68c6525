"""A module of the user's with the name of a package of ours is told, not run."""

import subprocess
import sys
from pathlib import Path

import pytest

from shakedown_command import PACKAGES

ROOT = Path(__file__).parents[1]
COMMAND = ["-P", "-c", "from shakedown_command import main; main()", "--version"]


def run(python_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *COMMAND],
        cwd=python_path,
        env={"PYTHONPATH": f"{python_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("place", ["{}.py", "{}/__init__.py"])
def test_a_hidden_package_is_told(tmp_path: Path, name: str, place: str) -> None:
    file = tmp_path / place.format(name)
    file.parent.mkdir(exist_ok=True)
    file.write_text("raise RuntimeError('not to be run')")
    done = run(tmp_path)
    assert done.returncode == 3
    assert done.stderr == (
        f"shakedown: Python finds {file} where Shakedown's own package {name!r} is meant "
        f"({ROOT / name}): take that folder out of PYTHONPATH, run from another one, or rename "
        "what is there\n"
    )


def test_other_names_are_the_users_own(tmp_path: Path) -> None:
    for name in ("conftest.py", "check_own.py", "tests.py"):
        (tmp_path / name).write_text("raise RuntimeError('not to be run')")
    (tmp_path / "load").mkdir()  # no package, as it has no __init__.py
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("shakedown ")
