"""A backend whose migration needs what its hosted platform has: roles, a schema, a function."""

from pathlib import Path

import psycopg
import pytest

from harness.errors import Misconfigured
from harness.machine.journal import Journal
from harness.postgres.server import connect
from harness.system import launch, launch_sibling
from harness.target import Target
from tests.harness.postgres.installations import require_installed

from .conftest import MakeTarget

ROLES = """\
-- The platform's roles.
CREATE ROLE authenticated NOLOGIN;
CREATE ROLE service_role NOLOGIN BYPASSRLS;
GRANT authenticated, service_role TO backend;
CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'only-in-tests';
GRANT authenticated TO authenticator;
"""
FUNCTIONS = """\
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT nullif(current_setting('request.user', true), '')::uuid;
END;
GRANT USAGE ON SCHEMA auth TO backend, authenticated;
CREATE TABLE auth.users (id uuid PRIMARY KEY);
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
INSERT INTO auth.users VALUES (gen_random_uuid());
"""
MIGRATE = """\
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute(
        "CREATE TABLE notes (owner uuid DEFAULT auth.uid(), text text);"
        "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY own ON notes TO authenticated USING (owner = auth.uid());"
        "GRANT SELECT ON notes TO authenticated, service_role;"
        "INSERT INTO notes VALUES (gen_random_uuid(), 'mine')"
    )
"""


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def target_with(make_target: MakeTarget, tmp_path: Path) -> MakeTarget:
    write(tmp_path / "roles.sql", ROLES)
    write(tmp_path / "functions.sql", FUNCTIONS)
    write(tmp_path / "migrate.py", MIGRATE)

    def make(prelude: str) -> Target:
        tables = f"""\
DATABASE_URL = "{{database_url}}"
API_DSN = "postgresql://authenticator:only-in-tests@{{database_host}}:{{database_port}}/{{database_name}}"
[database]
source = "embedded"
{prelude}
migrate = {{ command = ["{{python}}", "migrate.py"] }}
[api]
"""
        return make_target(("[api]\n", tables))

    return make


async def ask(url: str | None, *asked: str) -> list[tuple[object, ...]]:
    assert url
    async with connect(url) as connection:
        *before, last = asked
        for statement in before:
            await connection.execute(statement.encode())
        return await (await connection.execute(last.encode())).fetchall()


@pytest.mark.integration
async def test_it_is_there_for_the_migration_and_in_every_clone(
    target_with: MakeTarget, journal: Journal
) -> None:
    target = target_with('prelude = ["roles.sql", "functions.sql"]')
    system = await launch(target, journal=journal, api_instances=0, workers=0)
    sibling = await launch_sibling(system, api_instances=0, workers=0)
    for one in (system, sibling):
        count = "SELECT count(*) FROM notes"
        assert await ask(one.database_url, "SET ROLE authenticated", count) == [(0,)]
        assert await ask(one.database_url, "SET ROLE service_role", count) == [(1,)]
        assert await ask(one.readonly_url, "SELECT count(*) FROM auth.users") == [(1,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await ask(one.database_url, "SELECT * FROM auth.users")  # the platform's, not theirs
        dsn = target.expand_environment({}, one.plan.values)["API_DSN"]
        assert await ask(dsn, "SELECT current_user") == [("authenticator",)]
    await system.close()


@pytest.mark.integration
async def test_without_it_the_migration_says_what_would_help(
    target_with: MakeTarget, journal: Journal
) -> None:
    with pytest.raises(Misconfigured, match=r"\[database\] prelude, .* make the schema \"auth\""):
        await launch(target_with(""), journal=journal, api_instances=0, workers=0)


@pytest.mark.integration
async def test_an_extension_that_an_installed_postgresql_has(
    target_with: MakeTarget, journal: Journal, tmp_path: Path
) -> None:
    hashing = "CREATE EXTENSION pgcrypto;\nCREATE TABLE notes AS SELECT digest('a', 'sha256');\n"
    write(tmp_path / "hash.sql", hashing + "ALTER TABLE notes OWNER TO backend;\n")
    write(tmp_path / "migrate.py", "")
    own = target_with('prelude = "hash.sql"')
    with pytest.raises(
        Misconfigured, match=r'(?s)hash.sql:1: .* has no extension "pgcrypto"; what'
    ):
        await launch(own, journal=journal, api_instances=0, workers=0)
    programs = require_installed().programs
    target = target_with(f'binaries = "{programs}"\nprelude = "hash.sql"')
    system = await launch(target, journal=journal, api_instances=0, workers=0)
    assert await ask(system.database_url, "SELECT count(*) FROM notes") == [(1,)]
    await system.close()


def test_a_file_that_is_not_there(target_with: MakeTarget) -> None:
    expected = r"shakedown\.toml:\d+: database\.prelude: expected a file beside .* got 'roles\.sq'"
    with pytest.raises(Misconfigured, match=expected):
        target_with('prelude = ["functions.sql", "roles.sq"]')
