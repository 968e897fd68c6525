import json

import psycopg
import pytest

from contracts.hash import json_documents
from contracts.hash.async_hypothesis import for_each_example
from contracts.shared.ledger.canonical_json import NotStorable, compact_text, jsonb_pretty, parse
from contracts.shared.ledger.hash_chain import StoredEvent
from harness.database import Database

pytestmark = pytest.mark.integration


async def by_postgres(database: Database, document: str) -> str:
    row = await database.fetch_one("SELECT jsonb_pretty(%s::jsonb) AS text", [document])
    text: str = row["text"]
    return text


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_document_is_written_as_postgres_writes_it(database: Database, seed: int) -> None:
    async def attempt(document: str) -> None:
        row = await database.fetch_one(
            "SELECT jsonb_pretty(%(of)s::jsonb) AS pretty, %(of)s::jsonb::text AS compact",
            {"of": document},
        )
        assert jsonb_pretty(document) == row["pretty"]
        assert compact_text(parse(document)) == row["compact"]

    await for_each_example(json_documents.values(), attempt, examples=250, seed=seed)


@pytest.mark.parametrize(
    "document",
    ["0e5", "0e-5", "0.00e1", "-0e3", "-0.00E-1", "1e400", "1e-400", "123e-2", "1.0E+2", "9" * 60]
    + [json.dumps(chr(code)) for code in (*range(1, 0x30), 0x7F, 0x2028, 0xFEFF, 0x10FFFF)],
)
async def test_awkward_numbers_and_characters(database: Database, document: str) -> None:
    assert jsonb_pretty(document) == await by_postgres(database, document)


@pytest.mark.parametrize(
    "document",
    [r'"\u0000"', r'"\ud800"', r'{"\udc00": 1}', "NaN", "[1,]", "01", '"\x01"', "[", "", "nul"],
)
async def test_both_refuse_the_same(database: Database, document: str) -> None:
    with pytest.raises(NotStorable):
        jsonb_pretty(document)
    with pytest.raises(psycopg.errors.DataError):
        await by_postgres(database, document)


async def test_an_event_is_hashed_as_the_contract_spells_it_in_sql(database: Database) -> None:
    metadata = '{"b": 1e3, "a": {"list": [], "text": "\\u00e9\\n"}, "a": {"é": 1.10}}'
    row = await database.fetch_one(
        """
        SELECT encode(sha256(convert_to(jsonb_pretty(jsonb_build_object(
            'ledger_seq', 7, 'organization_id', 'o-1', 'actor_id', COALESCE(NULL, ''),
            'event_name', 'export.completed', 'target_type', 'export', 'target_id', 'e-1',
            'created_at', '2026-01-31T12:00:00.000000Z', 'metadata', %s::jsonb
        )) || 'abc' || 'salt', 'UTF8')), 'hex') AS hash
        """,
        [metadata],
    )
    event = StoredEvent(
        ledger_seq=7,
        fields={
            "organization_id": "o-1",
            "actor_id": None,
            "event_name": "export.completed",
            "target_type": "export",
            "target_id": "e-1",
            "created_at": "2026-01-31T12:00:00.000000Z",
        },
        metadata=metadata,
        prev_hash="abc",
        hash="",
        salt_key_id="k",
    )
    assert event.expected_hash({"k": "salt"}) == row["hash"]
