import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.target.toml.lines import KeyLines, KeyPath

TEXT = '''\
# a comment with [a] header and key = value
name = "x"
text = """
[not]
a = "table"
"""
raw = \'\'\'one line\'\'\'
list = [
  "a]", # ]
  ["b"],
]
after = 1

[api] # comment
command = "a"
 environment.PORT = "1"
"quoted key" = 1
inline = { a = 1, b.c = 2 }

[tokens.mint]
secret = "[x]"

[[many]]
a = 1
[[many]]
a = 2
[many.sub]
b = 3
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("text",), 3),
        (("raw",), 7),
        (("list",), 8),
        (("list", 1), 8),
        (("after",), 12),
        (("api",), 14),
        (("api", "command"), 15),
        (("api", "environment"), 16),
        (("api", "environment", "PORT"), 16),
        (("api", "quoted key"), 17),
        (("api", "inline", "b", "c"), 18),
        (("api", "missing"), 14),
        (("tokens",), 20),
        (("tokens", "mint"), 20),
        (("tokens", "mint", "secret"), 21),
        (("tokens", "mint", "absent", "deep"), 20),
        (("many", 0, "a"), 24),
        (("many", 1), 25),
        (("many", 1, "a"), 26),
        (("nowhere",), 1),
    ],
)
def test_finds_keys(path: KeyPath, line: int) -> None:
    tomllib.loads(TEXT)  # the example is one
    assert KeyLines(TEXT).line_of(path) == line


keys = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
values = st.one_of(
    st.integers(), st.booleans(), st.text("ab[]{}=#'. \\\"", max_size=6),
    st.lists(st.text("[]a", max_size=3), max_size=3),
)  # fmt: skip


@given(st.dictionaries(keys, st.dictionaries(keys, values, max_size=4), max_size=4), st.booleans())
def test_every_key_of_any_file_is_on_its_line(
    tables: dict[str, dict[str, Any]], spread: bool
) -> None:
    lines: list[str] = []
    expected: dict[KeyPath, int] = {}
    for table, entries in tables.items():
        lines.append(f"[{table}]")
        expected[(table,)] = len(lines)
        for key, value in entries.items():
            expected[(table, key)] = len(lines) + 1
            lines += f"{key} = {_toml(value, spread)}".split("\n")
    text = "\n".join(lines)
    assert tomllib.loads(text) == tables
    found = KeyLines(text)
    assert {path: found.line_of(path) for path in expected} == expected


def _toml(value: object, spread: bool) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list():
            inner = [_toml(each, spread) for each in value]
            return "[\n" + ",\n".join(inner) + "\n]" if spread else "[" + ", ".join(inner) + "]"
        case _:
            return str(value)
