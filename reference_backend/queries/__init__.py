"""The backend's SQL, one statement a file, loaded by name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import LiteralString


@cache
def load(name: str) -> LiteralString:
    """The statement in ``queries/<name>.sql``; its parameters are psycopg's ``%(name)s``.

    Raises FileNotFoundError for a name that has no file.
    """
    return (files(__package__) / f"{name}.sql").read_text(encoding="utf-8")
