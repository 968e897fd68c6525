"""On which line of a TOML file a key is; `tomllib` does not report it."""

import re
from collections.abc import Sequence

KeyPath = tuple[str | int, ...]
"""From the top of the file to a value: names of tables and keys, places in arrays of tables."""

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_ARRAY_HEADER = re.compile(rf"\s*\[\[\s*({_DOTTED})\s*\]\]")
_HEADER = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=\s*")
_PART = re.compile(_KEY)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'")
_MULTILINE = re.compile(r'"""|' + "'''")


class KeyLines:
    """The lines of one TOML text, which `tomllib` must have accepted."""

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {(): 1}
        self._scan(text.splitlines())

    def line_of(self, path: Sequence[str | int]) -> int:
        """Give the line of a key, or of the innermost table around it that the file names."""
        wanted = tuple(path)
        while wanted not in self._lines:
            wanted = wanted[:-1]
        return self._lines[wanted]

    def _scan(self, lines: list[str]) -> None:
        table: KeyPath = ()
        arrays: dict[KeyPath, int] = {}
        number = 0
        while number < len(lines):
            line = lines[number]
            if header := _ARRAY_HEADER.match(line):
                name = _parts(header[1])
                arrays[name] = arrays.get(name, -1) + 1
                table = (*name, arrays[name])
                self._remember(table, number + 1)
            elif header := _HEADER.match(line):
                table = _parts(header[1])
                self._remember(table, number + 1)
            elif assignment := _ASSIGNMENT.match(line):
                path = (*table, *_parts(assignment[1]))
                value = line[assignment.end() :]
                self._remember(path, number + 1)
                number += _further_lines(value, lines[number + 1 :])
            number += 1

    def _remember(self, path: KeyPath, line: int) -> None:
        """Note a key or a table, and the tables around it that are only implied so far."""
        for length in range(1, len(path)):
            self._lines.setdefault(path[:length], line)
        self._lines[path] = line


def _further_lines(value: str, following: list[str]) -> int:
    """Say how many more lines a value takes than the one it begins on."""
    if delimiter := _MULTILINE.match(value):
        rest = value[3:]
        for further, line in enumerate(following):
            if delimiter[0] in rest:
                return further
            rest = line
        return len(following)
    depth = _open_brackets(value)
    for further, line in enumerate(following):
        if depth <= 0:
            return further
        depth += _open_brackets(line)
    return len(following)


def _parts(dotted: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _open_brackets(text: str) -> int:
    bare = _STRING.sub(_blank, text).partition("#")[0]
    return bare.count("[") - bare.count("]")
