"""A drafted target file, held against the one that a person wrote: right, doubtful or wrong.

`python -m tests.harness.init.scoring DRAFT COMMITTED` prints every line that is not right.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.init.fetching import read_file
from harness.init.routes import Route, routes_of
from harness.target.contract.envelope import Envelope
from harness.target.document.api_document import contract_document

Key = tuple[str, ...]

JUDGED = ("contract", "ledger", "claim")
"""Tables that describe what the backend is like; how it is started is a person's to say."""

NOT_JUDGED = (("ledger", "salts"), ("contract", "openapi"))


@dataclass(frozen=True, kw_only=True)
class Score:
    """Line by line."""

    right: tuple[Key, ...] = ()
    doubtful: tuple[Key, ...] = ()
    """In the file as a comment, or not at all."""
    wrong: tuple[tuple[Key, object, object], ...] = field(default=())
    """Key, drafted, committed."""

    @property
    def share(self) -> float:
        """How many of the committed lines are right."""
        total = len(self.right) + len(self.doubtful) + len(self.wrong)
        return len(self.right) / total if total else 0.0


def score(drafted: str, committed: str) -> Score:
    """Compare two target files in what they mean: a line that says the default says nothing."""
    ours, theirs = dict(_lines(tomllib.loads(drafted))), dict(_lines(tomllib.loads(committed)))
    right, doubtful, wrong = [], [], []
    for key in {**theirs, **ours}:
        wanted = theirs.get(key, _default(key, theirs))
        got = ours.get(key, _default(key, ours))
        if got == wanted or (_is_variable(got) and key in theirs):
            right += [key] if key in theirs else []
        elif key in ours:
            wrong.append((key, got, wanted))
        else:
            doubtful.append(key)
    return Score(right=tuple(right), doubtful=tuple(doubtful), wrong=tuple(wrong))


def _lines(values: Mapping[str, Any]) -> Iterator[tuple[Key, object]]:
    for table in JUDGED:
        if table in values:
            yield from _below((table,), values[table])


def _below(path: Key, value: object) -> Iterator[tuple[Key, object]]:
    if any(path[: len(each)] == each for each in NOT_JUDGED):
        return
    if path == ("contract", "absent") or (path[:2] == ("contract", "without") and _is_list(value)):
        assert isinstance(value, list)
        for name in value:
            yield (*path, name), True
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _below((*path, key), each)
    else:
        yield path, _one_or_more(value)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_variable(value: object) -> bool:
    """Whether a secret is left to a variable, as it must be."""
    return isinstance(value, str) and value.startswith("{env:")


def _one_or_more(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _default(key: Key, values: Mapping[Key, object]) -> object:
    """What a line means that is not there, in a file that has these."""
    match key:
        case ("contract", "operations", _, "envelope", name):
            common = ("contract", "envelope", name)
            return values.get(common, _default(common, values))
        case ("contract", "operations", name, "path"):
            return _contract()[name].path
        case ("contract", "operations", name, "method"):
            return _contract()[name].method
        case ("contract", "fields", _, name):
            return f"/{name}"
        case ("contract", "values", _, _, word):
            return word
        case ("contract", "headers", name):
            return name
        case ("contract", "envelope", name):
            return getattr(Envelope(), name)
        case ("contract", "absent", _) | ("contract", "without", _, _):
            return False
        case ("contract", "refusals", name):
            return name
        case ("ledger", "table"):
            return "audit_logs"
        case ("ledger" | "claim", "columns", name):
            return name
        case _:
            return None


def _contract() -> Mapping[str, Route]:
    path = contract_document()
    assert path is not None
    return {each.operation_id: each for each in routes_of(read_file(path).document)}


def shown(drafted: str, committed: str) -> str:
    """Every line that is not right, and the figures."""
    result = score(drafted, committed)
    commented = set(re.findall(r"^# +(\S+) = ", drafted, re.MULTILINE))
    lines = []
    for key in result.doubtful:
        names = {key[-1], ".".join(key[-2:]), f'"{key[-1]}"'}
        how = "doubtful" if names & commented else "not there"
        lines.append(f"{how}: {'.'.join(key)}")
    for key, got, wanted in result.wrong:
        lines.append(f"WRONG: {'.'.join(key)} = {got!r}, committed: {wanted!r}")
    right, doubtful, wrong = len(result.right), len(result.doubtful), len(result.wrong)
    lines.append(f"right {right} ({result.share:.0%}), doubtful {doubtful}, wrong {wrong}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(
        shown(*(Path(each).read_text(encoding="utf-8") for each in sys.argv[1:3])) + "\n"
    )
