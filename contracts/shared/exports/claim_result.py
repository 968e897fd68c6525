"""What a claim function returned, read as the target file describes it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.errors import CheckFailed, Inconclusive
from harness.target.sql.claim_call import function_name
from harness.target.tables.claim import Claim

Row = Mapping[str, Any]


def claimed_rows(rows: Iterable[Row], claim: Claim) -> Iterator[Row]:
    """Give the claimed exports among the rows that a claim function returned.

    A function that returns one composite gives a row of NULLs when it claims nothing. One that
    returns JSON gives one document for an export, or an array of them. One that returns a plain
    value gives the export's id.
    """
    for row in rows:
        values = list(row.values())
        if all(value is None for value in values):
            continue
        if len(values) == 1 and isinstance(values[0], dict):
            yield values[0]
        elif len(values) == 1 and isinstance(values[0], list):
            yield from (each if isinstance(each, dict) else {"id": each} for each in values[0])
        elif [*row] == [function_name(claim)]:
            yield {claim.result.id or "id": values[0]}
        else:
            yield row


def attempt_of(row: Row, claim: Claim, call: str) -> object:
    """Give the attempt that a claim returned, of a function that returns one.

    Fail where it is missing although the contract has it, `Inconclusive` where the target file
    names a column that is not there.
    """
    if name := claim.result.attempt:
        return _named(row, name, "attempt")
    if "attempt" not in row:
        raise CheckFailed(
            expected="attempt in the rows of a claim",
            got=f"{[*row]}",
            detail=call,
        )
    return row["attempt"]


def tokens_of(row: Row, claim: Claim) -> dict[str, Any]:
    """Give the claim tokens that a claim returned, by their columns; none where it returns none.

    The contract names no column: without one in the target file, every column with `token` in its
    name is one. `Inconclusive` where the target file names a column that is not there.
    """
    name = claim.result.claim_token
    if name is None:
        return {column: value for column, value in row.items() if "token" in column.lower()}
    return {name: _named(row, name, "claim_token")} if name else {}


def _named(row: Row, column: str, key: str) -> object:
    if column not in row:
        raise Inconclusive(
            f"[claim.result] {key} = {column!r}: the claim function returns "
            f'{", ".join(map(repr, row)) or "nothing"}; write one of these, or ""'
        )
    return row[column]
