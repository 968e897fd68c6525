"""docs/target-file.md names every table and key that a target file may hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.target.tables import catalog, chaos, ledger, models
from harness.target.tables.models import Table
from harness.target.target import Target

PAGE = (Path(__file__).parents[2] / "docs" / "target-file.md").read_text(encoding="utf-8")
# The ledger's columns are named by the contract; the page gives the table, not each of them.
_UNTOLD = {ledger.LedgerColumns, ledger.ChainShape}


def keys() -> Iterator[str]:
    tables = [Target] + [
        table
        for table in {**vars(models), **vars(catalog), **vars(chaos), **vars(ledger)}.values()
        if isinstance(table, type) and issubclass(table, Table) and table not in {Table, *_UNTOLD}
    ]
    for table in tables:
        yield from table.model_fields


@pytest.mark.parametrize("key", sorted(set(keys())))
def test_every_key_is_told(key: str) -> None:
    assert f"`{key}`" in PAGE or f"`[{key}" in PAGE or f"`[[{key}" in PAGE or f".{key}]`" in PAGE
