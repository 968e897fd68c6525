"""Salts, hashes and a claim function in a real database, right and declared wrongly."""

import uuid
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from harness.database import Database
from harness.doctor.canonical import look_at_canonical_function
from harness.doctor.claiming import look_at_claim_function
from harness.doctor.hashes import Hashes
from harness.doctor.step import Step
from harness.postgres.cluster import Cluster
from harness.target.tables.claim import Claim
from harness.target.tables.ledger import Ledger

pytestmark = pytest.mark.integration

SALT = "a-salt-of-these-tests"
TABLE = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.trail AS
SELECT n, now() + n * interval '1 s' AS at, '{{"size": 1.10, "é": null}}'::jsonb AS details,
       NULL::text AS before, NULL::text AS seal
FROM generate_series(1, 3) AS n;
DO $$
DECLARE
    event record;
    last text;
BEGIN
    FOR event IN SELECT * FROM {schema}.trail ORDER BY n LOOP
        UPDATE {schema}.trail SET before = last, seal = encode(sha256(convert_to(
            jsonb_build_object('n', event.n, 'who', '', 'v', 2, 'details', event.details,
                'at', to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
            || COALESCE(last, '') || '{salt}', 'UTF8')), 'hex') WHERE n = event.n
        RETURNING seal INTO last;
    END LOOP;
END $$;
CREATE FUNCTION {schema}.trail_text(event {schema}.trail) RETURNS text LANGUAGE sql
    AS 'SELECT event.n::text';
CREATE FUNCTION {schema}.take(p_name text) RETURNS uuid LANGUAGE sql
    AS 'SELECT gen_random_uuid()';
"""


@pytest.fixture
async def schema(cluster: Cluster) -> AsyncIterator[tuple[Database, str]]:
    name = f"trail_{uuid.uuid4().hex[:8]}"
    database = Database(cluster.url("postgres"), writable=True)
    async with database.connect() as connection:
        await connection.execute(TABLE.format(schema=name, salt=SALT).encode())
    yield database, name
    await database.fetch(f"DROP SCHEMA {name} CASCADE")
    await database.close()


def ledger(schema: str, **said: object) -> Ledger:
    columns = dict.fromkeys(("actor_id", "target_type", "salt_key_id", "canonical_version"), "")
    columns |= {"id": "n", "ledger_seq": "n", "created_at": "at", "metadata": "details"}
    columns |= {"prev_hash": "before", "hash": "seal"}
    names = dict.fromkeys(("organization_id", "event_name", "target_id"), "")
    names |= {"ledger_seq": "n", "created_at": "at", "metadata": "details"}
    return Ledger.model_validate(
        {
            "table": f"{schema}.trail",
            "columns": columns,
            "names": names,
            "constants": {"v": 2, "who": ""},
            "salts": {"only": SecretStr(SALT)},
            "form": "jsonb",
        }
        | said
    )


async def looked_at(where: tuple[Database, str], **said: object) -> Step:
    database, schema = where
    return await Hashes(database=database, ledger=ledger(schema, **said)).look()


async def test_hashes_as_declared(schema: tuple[Database, str]) -> None:
    step = await looked_at(schema)
    assert step.how == "holds", step
    assert "the last 3 events" in step.seen


async def test_another_form_has_its_line(schema: tuple[Database, str]) -> None:
    step = await looked_at(schema, form="jsonb_pretty")
    assert step.how == "does not hold"
    assert step.lines == ("[ledger]", 'form = "jsonb"')


@pytest.mark.parametrize(
    "said",
    [{"salts": {"only": SecretStr("another-salt")}}, {"constants": {"v": 3, "who": ""}}],
)
async def test_what_fits_no_form_is_told_with_the_text(
    schema: tuple[Database, str], said: dict[str, object]
) -> None:
    step = await looked_at(schema, **said)
    assert step.how == "does not hold"
    assert "3 of the last 3" in step.seen
    assert '"details": {"é": null, "size": 1.10}' in step.request
    assert SALT not in f"{step}"
    assert step.lines == ("[ledger.salts]", 'only = "{env:…}"')


async def test_salts_that_the_file_does_not_say(schema: tuple[Database, str]) -> None:
    database, name = schema
    unsaid = ledger(name).model_copy()
    plain = Ledger.model_validate({"table": unsaid.table, "columns": unsaid.columns})
    step = await Hashes(database=database, ledger=plain).look()
    assert step.how == "not looked at"
    assert step.lines[0] == "[ledger]"


async def test_a_key_that_the_file_lacks(schema: tuple[Database, str]) -> None:
    database, name = schema
    await database.fetch(f"ALTER TABLE {name}.trail ADD COLUMN salt_id text DEFAULT 'k2'")
    said = ledger(name)
    columns = said.columns.model_copy(update={"salt_key_id": "salt_id"})
    hashes = Hashes(database=database, ledger=said.model_copy(update={"columns": columns}))
    step = await hashes.look()
    assert (step.how, step.lines) == ("does not hold", ("[ledger.salts]", 'k2 = "{env:…}"'))


async def test_a_canonical_function(schema: tuple[Database, str]) -> None:
    database, name = schema
    there = ledger(name)
    step = await look_at_canonical_function(f"{name}.trail_text", there, database)
    assert step.how == "holds"
    for missing in (f"{name}.trail_txt", f"{name}_none.trail_txt", f"{name}.take"):
        step = await look_at_canonical_function(missing, there, database)
        assert step.how == "does not hold"
        assert f"no function {missing} that takes a row of {name}.trail" in step.seen
        if missing.endswith("txt"):
            assert step.lines == ("[ledger]", f'canonical_function = "{name}.trail_text"')


async def test_a_claim_function(schema: tuple[Database, str]) -> None:
    database, name = schema
    arguments = {"worker": "p_name", "limit": "", "per_org": ""}
    claim = Claim.model_validate({"function": f"{name}.take", "arguments": arguments})
    assert (await look_at_claim_function(claim, database)).how == "holds"
    missing = claim.model_copy(update={"function": f"{name}.tak"})
    step = await look_at_claim_function(missing, database)
    assert step.lines == ("[claim]", f'function = "{name}.take"')
    none = claim.model_copy(update={"function": ""})
    assert (await look_at_claim_function(none, database)).how == "not looked at"
