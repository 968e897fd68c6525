"""Reads results of SQL: claims, acknowledgements, the state of all exports."""

from collections.abc import Sequence

from harness.errors import Misconfigured
from harness.explore.protocol.protocol import Protocol, State
from harness.explore.running.session import Result, SqlResults
from harness.explore.trace import ExportState, Hold, Snapshot


def claimed(protocol: Protocol, answer: SqlResults) -> tuple[Hold, ...]:
    """Read what a claim returned; raises `Misconfigured` where it has not the columns it should."""
    names = protocol.claim
    table = _table_with(answer, names.id)
    if table is None:
        raise Misconfigured(
            f"the claim returns no column {names.id!r} with the export's id ([claim] id); "
            f"it returns {_columns(answer)}"
        )
    ids = _needed(table, names.id, "claim", "id")
    tokens = _optional(table, names.token, "claim", "token")
    attempts = _optional(table, names.attempt, "claim", "attempt")
    return tuple(
        Hold(
            export=row_id,
            token=None if tokens is None else row[tokens],
            attempt=None if attempts is None else number(row[attempts], names.attempt),
        )
        for row in table.rows
        # A function that returns one composite returns a row of nulls for nothing.
        if (row_id := row[ids]) is not None
    )


def took(column: str, answer: SqlResults) -> tuple[str, ...] | None:
    """Read which exports a step took; None where it returns no such column."""
    table = _table_with(answer, column)
    if table is None:
        return None
    place = table.columns.index(column)
    return tuple(value for row in table.rows if (value := row[place]) is not None)


def acknowledged(answer: SqlResults, times: int) -> tuple[bool | None, ...]:
    """For each of so many equal statements, whether it reports a change.

    It does when it returns a row whose first column is none of null, false and 0, or, without
    columns, when it counts rows. A function that returns `void` reports nothing: None.
    """
    if times == 0 or len(answer.results) % times:
        return (None,) * times
    each = len(answer.results) // times
    return tuple(_acknowledged(answer.results[n * each - 1]) for n in range(1, times + 1))


def _acknowledged(result: Result) -> bool | None:
    if not result.columns:
        return None if result.affected is None else result.affected > 0
    if not result.rows:
        return False
    if result.is_void:
        return None
    first = result.rows[0][0]
    return first not in (None, "f", "0")


def snapshot(state: State, answer: SqlResults) -> Snapshot:
    """Read the state of all exports; raises `Misconfigured` where needed columns are missing."""
    table = answer.tables[-1] if answer.tables else None
    if table is None:
        raise Misconfigured("[state] query returns no rows; it must be a SELECT")
    ids = _needed(table, state.id, "state", "id")
    states = _needed(table, state.state, "state", "state")
    for key in ("organization", "attempt", "token", "owner", "completions"):
        if key in state.model_fields_set:  # by default, a column may be missing
            _optional(table, getattr(state, key), "state", key)
    names = (state.organization, state.attempt, state.token, state.owner, state.completions)
    organization, attempt, token, owner, completions = map(table.column, names)
    known = {ids, states, organization, attempt, token, owner, completions}
    others = [place for place in range(len(table.columns)) if place not in known]
    found = {}
    for row in table.rows:
        export = row[ids] or ""
        found[export] = ExportState(
            id=export,
            state=row[states] or "",
            organization=None if organization is None else row[organization],
            attempt=None if attempt is None else number(row[attempt], state.attempt),
            token=None if token is None else row[token],
            owner=None if owner is None else row[owner],
            completions=None if completions is None else number(row[completions], "completions"),
            rest=tuple(row[place] for place in others),
        )
    return found


def number(text: str | None, column: str) -> int | None:
    """Read a whole number; raises `Misconfigured` for anything else."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise Misconfigured(f"the column {column!r} must be a whole number, got {text!r}") from None


def _table_with(answer: SqlResults, column: str) -> Result | None:
    tables: Sequence[Result] = [table for table in answer.tables if column in table.columns]
    return tables[-1] if tables else None


def _optional(table: Result, name: str, section: str, key: str) -> int | None:
    """Give the place of a column; an empty name says that there is none."""
    hint = f'; {key} = "" says that there is none'
    return _needed(table, name, section, key, hint) if name else None


def _needed(table: Result, name: str, section: str, key: str, hint: str = "") -> int:
    place = table.column(name)
    if place is None:
        raise Misconfigured(
            f"the SQL of [{section}] returns no column {name!r} ([{section}] {key}); "
            f"it returns {', '.join(table.columns)}{hint}"
        )
    return place


def _columns(answer: SqlResults) -> str:
    return ", ".join(answer.tables[-1].columns) if answer.tables else "no rows at all"
