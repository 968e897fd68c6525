"""docs/drills.md is true: its parts are those of a drill, its example is one, its commands work."""

import re
from dataclasses import fields
from pathlib import Path

from click.testing import CliRunner

from chaos.drills.drill import Drill
from harness.cli.drill import drill
from harness.plugin.session.drills import find_drills, patterns_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/drills.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs/examples"


def test_every_part_of_a_drill_is_listed_in_its_order() -> None:
    table = PAGE.partition("## How to write one")[2].partition("```python")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.M)
    assert listed == [part.name for part in fields(Drill)]


def test_every_drill_is_listed_with_its_profile() -> None:
    table = PAGE.partition("## What there is")[2].partition("##")[0]
    listed = set(re.findall(r"^\| `([\w-]+)` \| (\w+) \|", table, re.M))
    assert listed == {(spec.id.removeprefix("chaos."), spec.profile) for spec in find_drills(())}


def test_the_example_is_a_drill_that_lint_and_types_are_held_to() -> None:
    """tox runs ruff and mypy on docs/examples, under the same rules as the product."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    file = EXAMPLES / "check_worker_kill_once.py"
    assert example == file.read_text(encoding="utf-8")
    (own,) = (spec for spec in find_drills((str(file),)) if spec.id == "chaos.worker-kill-once")
    assert (own.profile, own.deadline_s) == ("full", 60)


def test_every_command_names_drills_and_options_that_exist() -> None:
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    drills = find_drills((str(EXAMPLES),))
    options = {word for parameter in drill.params for word in parameter.opts}
    for line in commands.splitlines():
        words = line.partition("#")[0].replace("'", "").split()[2:]
        assert {word for word in words if word.startswith("-")} <= options
        names = [
            word
            for before, word in zip(["", *words], words, strict=False)
            if not word.startswith("-") and not before.startswith("--") and word != "all"
        ]
        patterns_of(names, drills)  # refuses a name that no drill has


def test_the_list_says_of_every_drill_whether_the_reference_backend_offers_it() -> None:
    printed = CliRunner().invoke(drill, ["--list"], catch_exceptions=False).stdout
    rows = [line.split("\t") for line in printed.splitlines()]
    offered = {row[0]: row[4] for row in rows}
    assert set(offered) == {spec.id for spec in find_drills(())}
    assert {name for name, how in offered.items() if how != "offered"} == {"chaos.staging-fault"}
