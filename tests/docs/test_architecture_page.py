"""ARCHITECTURE.md is true: its packages exist, all of them are listed, and its examples work."""

import os
import re
from pathlib import Path

import pytest

from reference_backend import defects, migrate, queries
from tests.warm import run_shakedown

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
PACKAGES = {
    path.name + ("/" if path.is_dir() else "")
    for path in (ROOT / "harness").iterdir()
    if not path.name.startswith(("_", ".")) and path.name != "py.typed"
}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_package_of_the_harness_is_listed(package: str) -> None:
    assert f"`{package}`" in PAGE


def test_every_listed_package_exists() -> None:
    table = PAGE.partition("## The packages of the harness")[2].partition("##")[0]
    listed: list[str] = []
    for row in [line for line in table.splitlines()[4:] if line.startswith("|")]:
        names, about = (re.findall(r"`([\w./]+)`", cell) for cell in row.strip("| ").split(" | "))
        listed += names
        listed += [f"{names[0]}{each}" for each in about if each.endswith("/")]
    packages = [name for name in listed if name.endswith(("/", ".py"))]
    assert len(packages) > 30
    assert [name for name in packages if not (ROOT / "harness" / name).exists()] == []


def test_the_examples_are_files_that_lint_and_types_are_held_to() -> None:
    """tox runs ruff and mypy on docs/examples, under the same rules as the product."""
    files = ("check_listed_once.py", "fallback_without_state.py")
    texts = [(ROOT / "docs/examples" / name).read_text(encoding="utf-8") for name in files]
    assert texts == EXAMPLES


@pytest.mark.integration
def test_the_check_of_the_page_is_one_file_and_runs(tmp_path: Path) -> None:
    (tmp_path / "check_example.py").write_text(EXAMPLES[0], encoding="utf-8")
    words = ["run", "--no-built-in", "--out", "out", "."]
    done = run_shakedown(words, cwd=tmp_path, env=dict(os.environ), deadline_s=90)
    assert done.code == 0, done.stdout + done.stderr
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
