"""Rows are changed past every trigger and rule, and other sessions keep all of them."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from contracts.shared.resources.past_triggers import past_triggers
from harness.database import Database

pytestmark = pytest.mark.integration

TABLE = """
DROP SCHEMA IF EXISTS guarded CASCADE;
CREATE SCHEMA guarded;
CREATE TABLE guarded.rows (id int, of text, seen int) PARTITION BY LIST (of);
CREATE TABLE guarded.part PARTITION OF guarded.rows DEFAULT;
CREATE FUNCTION guarded.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'append-only'; END $$;
CREATE FUNCTION guarded.fill() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.seen := 1; RETURN NEW; END $$;
CREATE TRIGGER always BEFORE UPDATE ON guarded.rows
    FOR EACH STATEMENT EXECUTE FUNCTION guarded.refuse();
CREATE TRIGGER filled BEFORE INSERT ON guarded.rows
    FOR EACH ROW EXECUTE FUNCTION guarded.fill();
CREATE TRIGGER "of its own" BEFORE DELETE ON guarded.part
    FOR EACH ROW EXECUTE FUNCTION guarded.refuse();
CREATE TRIGGER in_replicas BEFORE UPDATE ON guarded.rows
    FOR EACH ROW EXECUTE FUNCTION guarded.refuse();
ALTER TABLE guarded.rows ENABLE ALWAYS TRIGGER always;
ALTER TABLE guarded.part ENABLE ALWAYS TRIGGER "of its own";
ALTER TABLE guarded.rows ENABLE REPLICA TRIGGER in_replicas;
INSERT INTO guarded.rows VALUES (1, 'a');
"""
STATES = """
SELECT tgrelid::regclass::text || ' ' || tgname || ' ' || tgenabled::text AS state
FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid
WHERE c.relnamespace = 'guarded'::regnamespace ORDER BY 1
"""


@pytest.fixture
async def guarded(database: Database) -> AsyncIterator[Database]:
    await database.fetch(TABLE)
    yield database
    await database.fetch("DROP SCHEMA guarded CASCADE")


async def test_no_trigger_acts_here_and_afterwards_each_is_as_it_was(guarded: Database) -> None:
    before = await guarded.fetch(STATES)
    async with guarded.connect() as connection:
        async with past_triggers(connection, "guarded.rows"):
            await connection.execute("UPDATE guarded.rows SET seen = 5")
            await connection.execute("DELETE FROM guarded.rows WHERE id = 2")
        with pytest.raises(psycopg.errors.RaiseException):
            await connection.execute("UPDATE guarded.rows SET seen = 6")
    assert await guarded.fetch(STATES) == before
    assert await guarded.fetch("SELECT id, seen FROM guarded.rows") == [{"id": 1, "seen": 5}]


async def test_others_keep_their_triggers_between_two_changes(guarded: Database) -> None:
    async with guarded.connect() as connection:
        async with past_triggers(connection, "guarded.rows"):
            await connection.execute("UPDATE guarded.rows SET seen = 5")
        await guarded.fetch("INSERT INTO guarded.rows VALUES (2, 'b')")
        async with past_triggers(connection, "guarded.rows"):
            await connection.execute("DELETE FROM guarded.rows WHERE id = 1")
    assert await guarded.fetch("SELECT id, seen FROM guarded.rows") == [{"id": 2, "seen": 1}]


async def test_a_failed_change_leaves_every_trigger(guarded: Database) -> None:
    before = await guarded.fetch(STATES)
    async with guarded.connect() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            async with past_triggers(connection, "guarded.rows"):
                await connection.execute("UPDATE guarded.rows SET seen = 1 / 0")
    assert await guarded.fetch(STATES) == before
