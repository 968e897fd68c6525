"""What stays the same of a finding between two runs: the key of baselines, and of merging."""

import hashlib
import re

Coordinates = tuple[tuple[str, str], ...]
"""Where a check looked: names and values, such as `operation` and `getJob`."""

_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`")
_WORD_WITH_DIGIT = re.compile(r"\S*\d\S*")
_BRACKETED = re.compile(r"[\[{(][^\n]*[\]})]")
_SPACES = re.compile(r"\s+")

LONGEST_ASPECT = 200


def aspect_of(expectation: str, cell: Coordinates = ()) -> str:
    """Give an expectation without what differs between runs and cells.

    Values of the cell become their names; what is quoted, in brackets, or has a digit (ids, times,
    ports, counts, hashes) becomes `#`.
    """
    text = expectation.partition("\n")[0]
    for name, value in sorted(cell, key=lambda each: -len(each[1])):
        if value:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", f"<{name}>", text)
    for pattern in (_QUOTED, _BRACKETED, _WORD_WITH_DIGIT):
        text = pattern.sub("#", text)
    return _SPACES.sub(" ", text).strip()[:LONGEST_ASPECT]


def fingerprint_of(rule: str, subject: str, cell: Coordinates, aspect: str) -> str:
    """Give 16 hexadecimal digits that are equal exactly where all four are."""
    parts = [rule, subject, shown_cell(cell), aspect]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def cell_key(check_id: str, cell: Coordinates) -> str:
    """Give a short hash of a cell of a check, by which another run knows it again."""
    text = f"{check_id}\x1f{shown_cell(cell)}"
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:10]


def shown_cell(cell: Coordinates) -> str:
    """Give a cell as `operation=getJob, token=viewer`."""
    return ", ".join(f"{name}={value}" for name, value in cell)
