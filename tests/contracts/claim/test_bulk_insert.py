import pytest

from contracts.claim.bulk_insert import copy_export
from harness.database import Database
from harness.errors import Inconclusive
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import Claim

pytestmark = pytest.mark.integration

TABLE = """
DROP SCHEMA IF EXISTS copies CASCADE;
CREATE SCHEMA copies;
CREATE TABLE copies.jobs (id uuid PRIMARY KEY);
CREATE TABLE copies.exports (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number bigint UNIQUE GENERATED ALWAYS AS IDENTITY,
    organization_id uuid NOT NULL,
    job_id uuid NOT NULL REFERENCES copies.jobs,
    export_type text NOT NULL CHECK (export_type = 'ledger'),
    slug text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    day date GENERATED ALWAYS AS ((created_at AT TIME ZONE 'UTC')::date) STORED
);
CREATE UNIQUE INDEX ON copies.exports (organization_id, job_id, export_type);
INSERT INTO copies.jobs VALUES ('00000000-0000-0000-0000-000000000001');
INSERT INTO copies.exports (organization_id, job_id, export_type, slug)
VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'ledger', 'a');
"""
EXPORTS = ExportTable(claim=Claim(table="copies.exports"), words={}, stuck_timeout_s=2)
ORGANIZATIONS = [f"00000000-0000-0000-0000-00000000000{number}" for number in (7, 8)]


async def test_copies_are_unique_and_dealt_out(database: Database) -> None:
    await database.fetch(TABLE)
    original = await database.fetch_one("SELECT * FROM copies.exports")
    await copy_export(
        database, EXPORTS, str(original["id"]),
        count=10, organizations=ORGANIZATIONS, later_us=-1_000_000_000,
    )  # fmt: skip
    rows = await database.fetch("SELECT * FROM copies.exports ORDER BY created_at DESC")
    assert rows[0] == original
    copies = rows[1:]
    assert len(copies) == 10
    assert [str(each["organization_id"]) for each in copies].count(ORGANIZATIONS[0]) == 5
    assert (original["created_at"] - copies[-1]["created_at"]).total_seconds() == 10_000
    assert len({each["job_id"] for each in rows}) == 11
    await database.fetch("DROP SCHEMA copies CASCADE")


async def test_a_table_that_takes_no_copies_is_inconclusive(database: Database) -> None:
    await database.fetch(TABLE)
    await database.fetch("CREATE UNIQUE INDEX ON copies.exports (export_type)")
    original = await database.fetch_one("SELECT * FROM copies.exports")
    with pytest.raises(Inconclusive):
        await copy_export(
            database, EXPORTS, str(original["id"]),
            count=1, organizations=ORGANIZATIONS, later_us=1,
        )  # fmt: skip
    await database.fetch("DROP SCHEMA copies CASCADE")
