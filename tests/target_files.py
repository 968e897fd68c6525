"""Target files that tests write, and what is said of bad ones."""

from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import Target, load_target


def write(folder: Path, text: str) -> Path:
    """Write a target file into a folder."""
    file = folder / "shakedown.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusals(folder: Path, text: str) -> list[str]:
    """Load a bad target; give the lines of the message without the folder's name."""
    with pytest.raises(Misconfigured) as caught:
        load_target(write(folder, text))
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def changed_target(folder: Path, text: str, changes: tuple[tuple[str, str], ...]) -> Target:
    """Load a target whose file has each text that a change names replaced by the other one."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return load_target(write(folder, text))
