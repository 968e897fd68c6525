"""ARCHITECTURE.md tells the truth: its rooms exist, all rooms are told, and its examples work."""

import re
from pathlib import Path

import pytest

from harness.check import spec_of
from reference_backend.defects import Defect

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
    assert {name for name in told if name.endswith(("/", ".py"))} <= ROOMS


def test_the_examples_are_what_they_say() -> None:
    check, defect = EXAMPLES
    assert len(check.splitlines()) <= 16
    assert len(defect.splitlines()) <= 10
    namespace: dict[str, object] = {}
    exec(check, namespace)  # noqa: S102 - our own page
    exec(defect, namespace)  # noqa: S102
    assert spec_of(namespace["check_created_once"]) is not None
    example = namespace["DEFECT"]
    assert isinstance(example, Defect)
    for edit in example.edits:
        shipped = (ROOT / "reference_backend" / edit.file).read_text(encoding="utf-8")
        assert edit.apply(shipped) != shipped
