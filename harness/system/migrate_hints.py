"""What a failed migration asks for that a hosted platform has and an empty database has not."""

import re
from collections.abc import Iterator

from harness.postgres.missing_extension import about_missing_extension
from harness.target.tables.models import Database

_PRELUDE = "a file of [database] prelude, which a superuser runs before the migration, can"
_NEEDS_SUPERUSER = (
    (
        re.compile(r'permission denied to create extension \\?"([^"\\]+)'),
        'make the extension "{}"',
    ),
    (
        re.compile(r"(?i)(bypassrls|must be superuser[^\n\"\\]*|superuser attribute)"),
        "do what only a superuser may ({})",
    ),
)
_NOT_MADE_HERE = (
    (re.compile(r'role \\?"([^"\\]+)\\?" does not exist'), 'make the role "{}"'),
    (re.compile(r'schema \\?"([^"\\]+)\\?" does not exist'), 'make the schema "{}"'),
    (
        re.compile(r"function ([\w.]+)\([^)\n]*\) does not exist"),
        "make a stand-in for the function {}()",
    ),
)


def migrate_hints(printed: str, wanted: Database) -> str:
    """Give what helps against the errors of PostgreSQL in a text, a sentence a line."""
    hints = filter(None, (about_missing_extension(printed, wanted), _of_prelude(printed)))
    return "".join(f"\n{hint}" for hint in hints)


def _of_prelude(printed: str) -> str:
    acts = list(dict.fromkeys(_acts(printed)))
    return f"{_PRELUDE} {', '.join(acts)}" if acts else ""


def _acts(printed: str) -> Iterator[str]:
    for pattern, act in (*_NEEDS_SUPERUSER, *_NOT_MADE_HERE):
        for found in pattern.finditer(printed):
            yield act.format(found[1])
