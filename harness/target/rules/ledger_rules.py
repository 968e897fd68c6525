"""Contradictions of `[ledger]`."""

from collections import Counter
from collections.abc import Iterator

from harness.target.tables.ledger import OPTIONAL_LEDGER_COLUMNS, Ledger, LedgerColumns
from harness.target.target import Target
from harness.target.toml.lines import KeyPath
from harness.target.values.template import placeholders

Broken = Iterator[tuple[KeyPath, str]]

_HASHED = ("canonical", "prev_hash", "salt")


def broken_ledger_rules(target: Target) -> Broken:
    """Find every contradiction: where it stands, and what was expected instead."""
    if target.ledger is not None:
        yield from _columns(target.ledger)
        if not target.ledger.knows_salts and target.database.source != "none":
            what = "missing; expected salts by their key ids, or false where hashes have no salt"
            yield ("ledger", "salts"), what
        yield from _salts(target.ledger)
        yield from _order(target.ledger)
        yield from _text(target.ledger)
        yield from _hashed(target.ledger)


def _columns(ledger: Ledger) -> Broken:
    for name in LedgerColumns.model_fields:
        if not getattr(ledger.columns, name) and name not in OPTIONAL_LEDGER_COLUMNS:
            listed = ", ".join(OPTIONAL_LEDGER_COLUMNS)
            yield ("ledger", "columns", name), f"empty; only {listed} may be missing from the table"


def _salts(ledger: Ledger) -> Broken:
    where: KeyPath = ("ledger", "salts")
    if ledger.knows_salts and not ledger.salts and ledger.columns.salt_key_id:
        what = 'expected salt_key_id = "" in [ledger.columns] where hashes have no salt'
        yield ("ledger", "columns", "salt_key_id"), what
    if len(ledger.salts) > 1 and not ledger.columns.salt_key_id:
        many = f"{len(ledger.salts)} salts"
        yield where, f"{many}, but no column salt_key_id says which one an event has; expected one"
    if empty := [key for key, salt in ledger.salts.items() if not salt.get_secret_value()]:
        yield (*where, empty[0]), "empty; salts = false is for hashes without a salt"


def _order(ledger: Ledger) -> Broken:
    numbered = ledger.sequence != "none"
    if numbered and ledger.order_by:
        what = 'only sequence = "none" uses it: events with numbers are ordered by them; remove it'
        yield ("ledger", "order_by"), what
    if numbered and not ledger.columns.ledger_seq:
        what = 'empty; expected sequence = "none" and order_by for events without numbers'
        yield ("ledger", "columns", "ledger_seq"), what
    if not numbered and not ledger.order_by:
        what = 'missing; sequence = "none" needs the columns that order events, such as'
        yield ("ledger", "order_by"), f'{what} order_by = ["created_at", "id"]'
    named = "ledger_seq" in ledger.columns.model_fields_set and ledger.columns.ledger_seq
    if not numbered and named:
        what = 'expected "", because sequence = "none" says that events have no numbers'
        yield ("ledger", "columns", "ledger_seq"), what


def _text(ledger: Ledger) -> Broken:
    """The members of the hashed text: each has a column, and no two have one name."""
    for name, member in ledger.names.items():
        if member and not ledger.own_column(name):
            what = f"the table is said to have no {name} (in [ledger.columns], or by sequence)"
            yield ("ledger", "names", name), what
    for constant, value in ledger.constants.items():
        if not _is_constant(value):
            what = "expected a text, a whole number, true or false, or lists and tables of these"
            yield ("ledger", "constants", constant), f"{what}, got {type(value).__name__}"
    used = Counter([*ledger.members.values(), *ledger.constants])
    for member in (member for member, times in used.items() if times > 1):
        named = [str(name) for name, own in ledger.names.items() if own == member]
        path: KeyPath = ("ledger", *(("names", named[0]) if named else ("constants", member)))
        yield path, f"{member!r} is the name of {used[member]} members of the hashed text"


def _is_constant(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_constant, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_constant, value))
    return isinstance(value, str | int)


def _hashed(ledger: Ledger) -> Broken:
    """A hash that leaves out the event, the link or the salt proves nothing."""
    where: KeyPath = ("ledger", "hashed")
    used = placeholders(ledger.hashed)
    if unknown := [name for name in used if name not in _HASHED]:
        listed = ", ".join(f"{{{name}}}" for name in _HASHED)
        yield where, f"unknown placeholder {{{unknown[0]}}}; expected {listed}"
    if used.count("canonical") != 1:
        yield where, "expected {canonical} once: what the event says must be hashed"
    if used.count("prev_hash") > 1 or used.count("salt") > 1:
        yield where, "expected each placeholder once"
    if "prev_hash" not in used and "prev_hash" not in ledger.members:
        what = "expected {prev_hash}, or prev_hash in [ledger.names]: the link must be hashed"
        yield where, what
    if ledger.salts and "salt" not in used:
        yield where, "expected {salt}, because [ledger] salts has some"
