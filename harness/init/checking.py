"""The written text read as a target file: what would be refused becomes a comment."""

import re
import tempfile
from pathlib import Path

from harness.errors import Misconfigured
from harness.target.load import load_target

_ROUNDS = 8
_LINE = re.compile(r"first\.toml:(\d+): (.*)")
_NEEDED = re.compile(r"\{env:(\w+)\}")
_VARIABLE = re.compile(r"\{env:(\w+)\??\}")


def readable(text: str) -> str:
    """Give the text with every line as a comment that `load_target` refuses, and why.

    Raises `Misconfigured` where that does not help: an error of ours.
    """
    problem = _problem(text)
    for _ in range(_ROUNDS):
        if problem is None:
            return text
        refused = {int(number): what for number, what in _LINE.findall(problem)}
        lines = text.split("\n")
        changed = False
        for number, what in refused.items():
            changed |= _comment(lines, number - 1, what)
        if not changed:
            break
        text = "\n".join(lines)
        problem = _problem(text)
    raise Misconfigured(f"the file that was drafted cannot be read: {problem}")


def variables_of(text: str) -> tuple[str, ...]:
    """Give the variables that the text cannot be loaded without, in their order."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(dict.fromkeys(name for line in lines for name in _NEEDED.findall(line)))


def _comment(lines: list[str], at: int, what: str) -> bool:
    """Turn a line into a comment, or a table with all that is in it; False if it is one."""
    line = lines[at]
    if not line or line.startswith("#"):
        return False
    if line.startswith("["):
        for number in range(at, len(lines)):
            if number > at and lines[number].startswith("["):
                break
            if lines[number] and not lines[number].startswith("#"):
                lines[number] = f"# {lines[number]}"
    else:
        lines[at] = f"# {line}"
    lines[at] += f" # refused: {what[:160]}"
    return True


def _problem(text: str) -> str | None:
    """What is wrong with the text; variables are filled in with something that fits."""
    with tempfile.TemporaryDirectory(prefix="shakedown-init-") as folder:
        file = Path(folder) / "first.toml"
        file.write_text(_VARIABLE.sub(_stand_in, text), encoding="utf-8")
        try:
            load_target(file)
        except Misconfigured as error:
            return str(error)
    return None


def _stand_in(found: re.Match[str]) -> str:
    return "http://127.0.0.1:1" if found[1].endswith("URL") else "x"
