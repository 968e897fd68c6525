"""Placeholders in a target file: `{port}` in commands and environments, `{env:NAME}` anywhere.

`{env:NAME?}` as a whole value leaves its key out where the variable is not set. Everything else in
braces stays as it is, so JSON can be an argument; `{{port}}` means a literal
`{port}`.
"""

import re
from collections.abc import Iterable, Mapping

from harness.errors import Misconfigured
from harness.target.values.libpq_variables import as_given

_TOKEN = re.compile(
    r"\{\{(?P<literal>[A-Za-z_][\w:]*)\}\}|\{env:(?P<variable>\w+)\??\}|\{(?P<name>[A-Za-z_]\w*)\}"
)

_OPTIONAL = re.compile(r"\{env:(\w+)\?\}")

SECRET_NAMES = frozenset({"database_url", "jwt_secret", "admin_token", "ledger_salt"})
"""Placeholders that must not be part of a command: everybody can read a process's arguments."""


def placeholders(text: str) -> tuple[str, ...]:
    """Give the names that a text wants filled in, without those read from the environment."""
    return tuple(found["name"] for found in _TOKEN.finditer(text) if found["name"])


def variables(text: str) -> tuple[str, ...]:
    """Give the names of the environment variables that a text wants filled in."""
    return tuple(found["variable"] for found in _TOKEN.finditer(text) if found["variable"])


def is_left_out(value: object) -> bool:
    """Whether a value is nothing but `{env:NAME?}`, and the variable is not set."""
    found = _OPTIONAL.fullmatch(value) if isinstance(value, str) else None
    return found is not None and as_given(found[1]) is None


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace every placeholder, in one pass: what is filled in is never looked at again.

    Raises `Misconfigured` for a name that `values` does not hold, and for an environment
    variable that is missing or empty.
    """

    def replacement(found: re.Match[str]) -> str:
        if found["literal"]:
            return "{" + found["literal"] + "}"
        if found["variable"]:
            return read_variable(found["variable"])
        try:
            return values[found["name"]]
        except KeyError:
            raise Misconfigured(unknown_placeholder(found["name"], values)) from None

    return _TOKEN.sub(replacement, text)


def read_variable(name: str) -> str:
    """Give an environment variable's value; one that is missing or empty is `Misconfigured`."""
    value = as_given(name)
    if not value:
        state = "not set" if value is None else "empty"
        raise Misconfigured(f"the environment variable {name} is {state}; the target needs it")
    return value


def unknown_placeholder(name: str, known: Iterable[str]) -> str:
    """Say that a placeholder is unknown here, and which ones are known."""
    listed = ", ".join("{" + each + "}" for each in sorted(known))
    return f"unknown placeholder {{{name}}}; expected one of {listed}, or {{env:NAME}}"
