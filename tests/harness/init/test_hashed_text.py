"""Names in the hashed text, read from the function that makes it."""

from harness.init.catalog import FunctionSeen
from harness.init.guess import Certainty
from harness.init.hashed_text import guess_hashed_text, hashed_members

DEFINITION = """CREATE FUNCTION log_text(e log) RETURNS text LANGUAGE sql AS $$
  SELECT jsonb_pretty(jsonb_build_object(
    'no', e.entry_no, 'org', COALESCE(e.org_id::text, ''), 'what, who''s', e.action,
    'v', 1, 'when', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
  )) || COALESCE(e.prev, '')
$$"""

COLUMNS = {
    "ledger_seq": "entry_no",
    "organization_id": "org_id",
    "event_name": "action",
    "created_at": "at",
    "prev_hash": "prev",
}


def function(definition: str = DEFINITION) -> FunctionSeen:
    return FunctionSeen(name="log_text", arguments="e log", result="text", definition=definition)


def test_members_are_read_with_their_sql() -> None:
    members = hashed_members(function())
    assert list(members) == ["no", "org", "what, who's", "v", "when"]
    assert members["no"].strip() == "e.entry_no"


def test_each_member_is_the_field_whose_column_it_shows() -> None:
    guesses = list(guess_hashed_text(function(), COLUMNS, Certainty.SURE))
    assert {".".join((*one.table, *one.key)): one.value for one in guesses} == {
        "ledger.names.ledger_seq": "no",
        "ledger.names.organization_id": "org",
        "ledger.names.event_name": "what, who's",
        "ledger.names.created_at": "when",
        "ledger.created_at_format": "YYYY-MM-DD HH24:MI:SS",
    }
    assert {one.certainty for one in guesses} == {Certainty.LIKELY}


def test_a_function_that_builds_something_else_says_nothing() -> None:
    short = "SELECT jsonb_build_object('no', e.entry_no)"
    assert list(guess_hashed_text(function(short), COLUMNS, Certainty.SURE)) == []
    assert hashed_members(function("SELECT sha256(e.text)")) == {}
    assert hashed_members(function("SELECT jsonb_build_object('open")) == {}
