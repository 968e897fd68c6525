from pathlib import Path

import pytest

from harness.target import load_target
from tests.target_files import refusals, write

BEGIN = """\
name = "mine"

[api]
command = "serve --port {port}"

[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }

[ledger]
"""
SALTS = 'salts = { k1 = "one" }\n'


def test_a_ledger_of_its_own_is_understood(tmp_path: Path) -> None:
    text = """salts = { only = "one" }
sequence = "none"
order_by = ["created_at", "id"]
columns = { salt_key_id = "", canonical_version = "", actor_id = "who" }
names = { actor_id = "by", target_type = "", id = "id" }
constants = { version = 2 }
"""
    ledger = load_target(write(tmp_path, BEGIN + text)).ledger
    assert ledger is not None
    assert ledger.only_key == "only"
    assert ledger.chain.sequence == "none"
    assert ledger.members == {
        "id": "id",
        "organization_id": "organization_id",
        "actor_id": "by",
        "event_name": "event_name",
        "target_id": "target_id",
        "created_at": "created_at",
        "metadata": "metadata",
    }


def test_hashes_without_a_salt(tmp_path: Path) -> None:
    text = 'salts = false\ncolumns = { salt_key_id = "" }\n'
    target = load_target(write(tmp_path, BEGIN + text))
    assert target.ledger is not None
    assert target.ledger.plain_salts == {"": ""}
    assert "ledger_salt" not in target.values


def test_a_ledger_that_only_its_api_shows_needs_no_salts(tmp_path: Path) -> None:
    ledger = load_target(write(tmp_path, BEGIN + 'sequence = "gaps"\n')).ledger
    assert ledger is not None
    assert (ledger.knows_salts, ledger.chain.sequence) == (False, "gaps")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[database]\nsource = "embedded"\n', "10: ledger.salts: missing; expected salts"),
        ("salts = {}\n", "11: ledger.salts: empty; expected salts by their key ids, or false"),
        ("salts = false\n", "ledger.columns.salt_key_id: expected salt_key_id"),
        ('salts = { k1 = "" }\n', "ledger.salts.k1: empty; salts = false is"),
        (
            'salts = { k1 = "a", k2 = "b" }\ncolumns = { salt_key_id = "" }\n',
            "11: ledger.salts: 2 salts, but no column",
        ),
        (SALTS + 'columns = { hash = "" }\n', "12: ledger.columns.hash: empty; only"),
        (SALTS + 'columns = { ledger_seq = "" }\n', "12: ledger.columns.ledger_seq: empty; exp"),
        (SALTS + 'sequence = "none"\n', "ledger.order_by: missing; sequence"),
        (SALTS + 'order_by = "at"\n', '12: ledger.order_by: only sequence = "none" uses it'),
        (
            SALTS + 'sequence = "none"\norder_by = "at"\ncolumns = { ledger_seq = "no" }\n',
            '14: ledger.columns.ledger_seq: expected ""',
        ),
        (SALTS + 'sequence = "globl"\n', "12: ledger.sequence: expected one of"),
        (
            SALTS + 'columns = { actor_id = "" }\nnames = { actor_id = "by" }\n',
            "13: ledger.names.actor_id: the table is said to have no actor_id",
        ),
        (SALTS + 'names = { hash = "hash" }\n', "ledger.names.hash"),
        (
            SALTS + 'names = { actor_id = "target_id" }\n',
            "12: ledger.names.actor_id: 'target_id' is the name of 2 members",
        ),
        (
            SALTS + 'constants = { metadata = "x" }\n',
            "12: ledger.constants.metadata: 'metadata' is the name of 2 members",
        ),
        (SALTS + "constants = { v = 1.5 }\n", "12: ledger.constants.v: expected a text"),
        (SALTS + 'hashed = "{canonical}{prev}{salt}"\n', "unknown placeholder {prev}"),
        (SALTS + 'hashed = "{canonical}{salt}"\n', "the link must be hashed"),
        (SALTS + 'hashed = "{prev_hash}{salt}"\n', "what the event says must be hashed"),
        (SALTS + 'hashed = "{canonical}{prev_hash}"\n', "expected {salt}, because"),
    ],
)
def test_a_wrong_ledger_is_told_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    lines = refusals(tmp_path, BEGIN + text)
    assert any(line in each for each in lines), lines
