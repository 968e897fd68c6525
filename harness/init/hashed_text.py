"""The text that is hashed, where a function of the database makes it: its members' names."""

import re
from collections.abc import Iterator, Mapping

from harness.init.catalog import FunctionSeen
from harness.init.guess import Certainty, Guess

_MEMBER = re.compile(r"^\s*'((?:[^']|'')+)'(?:::text)?\s*$")
_COLUMN = re.compile(r"\b([a-z_][a-z0-9_]*)\b")
_FORMAT = re.compile(r"to_char\s*\(.*?'([^']*YYYY[^']*)'", re.DOTALL)
_LEAST_MEMBERS = 4
"""A text of fewer members of the table is another one."""

_CONTRACTS_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


def hashed_members(function: FunctionSeen) -> Mapping[str, str]:
    """Give the members of the JSON object that a function builds, with the SQL of each."""
    found = re.search(r"jsonb?_build_object\s*\(", function.definition)
    if found is None:
        return {}
    parts = list(_arguments(function.definition[found.end() :]))
    members = {}
    for name, value in zip(parts[::2], parts[1::2], strict=False):
        if key := _MEMBER.match(name):
            members[key[1].replace("''", "'")] = value
    return members


def guess_hashed_text(
    function: FunctionSeen, columns: Mapping[str, str], most: Certainty
) -> Iterator[Guess]:
    """Say what the members are called; `columns` has the table's own name of each field."""
    of_column = {own: field for field, own in columns.items()}
    members = hashed_members(function)
    called: dict[str, str] = {}
    for name, value in members.items():
        fields = [of_column[word] for word in _COLUMN.findall(value) if word in of_column]
        if fields:
            called.setdefault(fields[0], name)
    if len(called) < _LEAST_MEMBERS:
        return
    certainty = min(Certainty.LIKELY, most)
    for field, name in called.items():
        if name != field:
            yield Guess(
                table=("ledger", "names"),
                key=(field,),
                value=name,
                certainty=certainty,
                why=f"so in the text that {function.name}() makes",
            )
    written = _FORMAT.search(members.get(called.get("created_at", ""), ""))
    if written and written[1] != _CONTRACTS_FORMAT:
        yield Guess(
            table=("ledger",),
            key=("created_at_format",),
            value=written[1],
            certainty=certainty,
            why=f"so in {function.name}()",
        )


def _arguments(text: str) -> Iterator[str]:
    """Split the arguments of a call at its own commas, up to the end of the call."""
    depth, quoted, begin = 0, False, 0
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        if quoted:
            continue
        if letter in "([":
            depth += 1
        elif letter in ")]" and depth:
            depth -= 1
        elif letter == ")" or (letter == "," and not depth):
            yield text[begin:at]
            begin = at + 1
            if letter == ")":
                return
