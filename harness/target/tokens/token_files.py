"""The files that `[tokens]` names: a private key, SQL. Read once, when the target file is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from harness.target.tokens.minted_tokens import MintedTokens
from harness.target.tokens.token_tenants import TenantSql
from harness.target.tokens.tokens import Tokens
from harness.target.toml.lines import KeyPath

Find = Callable[[KeyPath, str, Callable[[Path], bool], str], str]
"""Gives the path of a file that a key names, and notes a problem where it is not there."""
Problems = list[tuple[KeyPath, str]]

_MOST_BYTES = 1024 * 1024
_BOTH = "{} is there, too; expected one of them"


def with_files(tokens: Tokens, find: Find, problems: Problems) -> Tokens:
    """Give the same tables with what the files hold in the place of their names."""
    changed: dict[str, Any] = {}
    if tokens.mint is not None and tokens.mint.private_key_file is not None:
        changed["mint"] = _with_private_key(
            tokens.mint, tokens.mint.private_key_file, find, problems
        )
    if tokens.tenants is not None and tokens.tenants.sql is not None:
        sql = _with_sql(tokens.tenants.sql, find, problems)
        changed["tenants"] = tokens.tenants.model_copy(update={"sql": sql})
    return tokens.model_copy(update=changed)


def _with_private_key(
    mint: MintedTokens, named: str, find: Find, problems: Problems
) -> MintedTokens:
    where: KeyPath = ("tokens", "mint", "private_key_file")
    text = _text(where, find(where, named, Path.is_file, "a file"), problems)
    if mint.private_key is not None:
        problems.append((where, _BOTH.format("private_key")))
    if text is None or mint.private_key is not None or mint.is_symmetric:
        return mint  # which is reported as a problem of its own
    return mint.model_copy(update={"private_key": SecretStr(text)})


def _with_sql(sql: TenantSql, find: Find, problems: Problems) -> TenantSql:
    read: dict[str, Any] = {}
    for name in ("organization", "user"):
        named = getattr(sql, f"{name}_file")
        if named is None:
            continue
        where: KeyPath = ("tokens", "tenants", "sql", f"{name}_file")
        text = _text(where, find(where, named, Path.is_file, "a file"), problems)
        if getattr(sql, name):
            problems.append((where, _BOTH.format(name)))
        elif text is not None:
            read[name] = (text,)
    return sql.model_copy(update=read)


def _text(where: KeyPath, file: str, problems: Problems) -> str | None:
    """Read a file; None, with a problem noted, where that cannot be done."""
    if not Path(file).is_file():
        return None  # that is noted already
    try:
        with Path(file).open("rb") as opened:
            return opened.read(_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        problems.append((where, f"cannot be read as text ({type(error).__name__})"))
        return None
