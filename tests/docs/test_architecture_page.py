"""ARCHITECTURE.md tells the truth: its rooms exist, all rooms are told, and its examples work."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reference_backend import defects, migrate, queries

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
ROOMS = {
    path.name + ("/" if path.is_dir() else "")
    for path in (ROOT / "harness").iterdir()
    if not path.name.startswith(("_", ".")) and path.name != "py.typed"
}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_room_of_the_harness_is_told(room: str) -> None:
    assert f"`{room}`" in PAGE


def test_no_room_is_told_that_does_not_exist() -> None:
    table = PAGE.partition("## The rooms of the harness")[2].partition("##")[0]
    told = {name for row in table.splitlines()[4:] for name in re.findall(r"`([\w./]+)`", row[:90])}
    rooms = [name for name in told if name.endswith(("/", ".py"))]
    assert len(rooms) > 10
    assert [name for name in rooms if not (ROOT / "harness" / name).exists()] == []


def test_the_examples_take_ten_lines() -> None:
    assert [len(example.splitlines()) <= 10 for example in EXAMPLES] == [True, True]


@pytest.mark.integration
def test_the_check_of_the_page_is_one_file_and_runs(tmp_path: Path) -> None:
    (tmp_path / "check_example.py").write_text(EXAMPLES[0], encoding="utf-8")
    command = [sys.executable, "-m", "harness", "run", "--no-built-in", "--out", "out", "."]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS: 1 passed" in done.stdout


def test_the_defect_of_the_page_is_one_file_and_can_be_switched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seen_on_the_page.py").write_text(EXAMPLES[1], encoding="utf-8")
    monkeypatch.setattr(defects, "__path__", [*defects.__path__, str(tmp_path)])
    monkeypatch.setattr(migrate, "shipped", migrate.shipped)  # both are put back afterwards
    monkeypatch.setattr(queries, "load", queries.load)
    (edit,) = defects.zoo()["seen-on-the-page"].edits
    clean = queries.load("fallback_claim")
    defects.switch_on("seen-on-the-page")
    assert queries.load("fallback_claim") == edit.apply(clean)


def test_no_list_of_defects_or_checks_is_kept_anywhere() -> None:
    """What is one file must stay one file: no other code names it."""
    named = {name for defect in defects.zoo() for name in (defect, defect.replace("-", "_"))}
    checks = set(re.findall(r'@check\(\s*"([a-z.-]+)"', "".join(map(_text, _code("check_*.py")))))
    assert len(checks) > 15
    for file in _code("*.py"):
        words = set(re.findall(r"[\w.-]+", _text(file)))
        known_here = {file.stem, file.stem.replace("_", "-")} if "defects" in file.parts else set()
        assert not (words & named) - known_here, file
        if "harness" in file.parts:
            assert len(words & checks) <= 1, file  # an example in a help text may name one


def _code(pattern: str) -> list[Path]:
    packages = ("harness", "contracts", "load", "chaos", "reference_backend")
    return [file for package in packages for file in (ROOT / package).rglob(pattern)]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
