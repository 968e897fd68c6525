"""PostgreSQL executes every statement where nothing forbids it."""

import pytest

from contracts.hash.append_only import AppendOnlyTable, Statement
from harness.database import Database
from harness.target.tables.ledger import Ledger

pytestmark = pytest.mark.integration

TABLE = """
DROP SCHEMA IF EXISTS books CASCADE;
CREATE SCHEMA books;
CREATE TABLE books.owners (id uuid PRIMARY KEY);
CREATE TABLE books.audit_logs (
    id uuid NOT NULL, organization_id uuid REFERENCES books.owners ON DELETE CASCADE,
    ledger_seq bigint, actor_id text, created_at timestamptz DEFAULT now(), metadata jsonb,
    hash text CHECK (hash ~ '^[0-9a-f]{4}$'), canonical_version smallint DEFAULT 1,
    doubled bigint GENERATED ALWAYS AS (ledger_seq * 2) STORED,
    PRIMARY KEY (organization_id, ledger_seq)
) PARTITION BY LIST (organization_id);
CREATE TABLE books.all_of_them PARTITION OF books.audit_logs DEFAULT;
"""
ROWS = """
INSERT INTO books.owners VALUES ('00000000-0000-0000-0000-000000000001');
INSERT INTO books.audit_logs (id, organization_id, ledger_seq, actor_id, metadata, hash)
SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', n, 'me', '{}', '0abc'
FROM generate_series(1, 3) AS n;
"""
CONTENTS = (
    "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) AS digest FROM books.audit_logs AS t"
)
MINE = "organization_id = '00000000-0000-0000-0000-000000000001'"


async def statements(database: Database) -> list[Statement]:
    ledger = Ledger(table="books.audit_logs", salts={"k1": "salt"})  # type: ignore[dict-item]
    return list((await AppendOnlyTable.read(database, ledger)).statements(MINE))


async def test_every_statement_there_is_rewrites_the_table(database: Database) -> None:
    await database.fetch(TABLE)
    unable = []
    for statement in await statements(database):
        await database.fetch("TRUNCATE books.owners CASCADE")
        await database.fetch(ROWS)
        before = await database.fetch_one(CONTENTS)
        # A key that others point to: its own rows may not leave it, which is no fault of ours.
        if statement.name != "UPDATE organization_id":
            await database.fetch(statement.sql)
            if await database.fetch_one(CONTENTS) == before:
                unable.append(statement.name)
    assert unable == []
    await database.fetch("DROP SCHEMA books CASCADE")


async def test_generated_columns_parts_and_parents_are_known(database: Database) -> None:
    await database.fetch(TABLE)
    names = {statement.name for statement in await statements(database)}
    assert names >= {
        "UPDATE metadata", "UPDATE hash", "UPDATE created_at", "DELETE", "TRUNCATE", "MERGE DELETE",
        "INSERT ON CONFLICT DO UPDATE", "TRUNCATE books.all_of_them", "DELETE books.all_of_them",
        "TRUNCATE books.owners CASCADE",
    }  # fmt: skip
    assert "UPDATE doubled" not in names
    await database.fetch("DROP SCHEMA books CASCADE")
