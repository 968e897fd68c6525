"""Preludes that fail, and what they must leave as it was, on a server of this file's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.machine.journal import Journal
from harness.postgres import prelude
from harness.postgres.cluster import Cluster
from harness.postgres.prelude import run_prelude
from harness.postgres.server import connect
from harness.postgres.template import OBSERVER, OWNER
from harness.recovery.healing import end_run
from harness.target.tables.models import Database

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Cluster]:
    """A server whose roles a test may harm, if it mends them afterwards."""
    journal = Journal.begin()
    try:
        running = await Cluster.start(journal)
        await running.create_database("own")
        yield running
        await running.stop()
    finally:
        end_run(journal)


def write(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    return str(file)


async def run(server: Cluster, file: Path, text: str) -> str:
    """Run a prelude that must fail; give the message without the folder's name."""
    wanted = Database(source="embedded", prelude=(write(file, text),))
    with pytest.raises(Misconfigured) as caught:
        await run_prelude(server, "own", wanted)
    return str(caught.value).replace(f"{file.parent}/", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "CREATE SCHEMA one;\nDROP SCHEMA one;\nCREATE ROLE\n  observer;\n",
            'prelude.sql:3: database.prelude: role "observer" already exists',
        ),
        (
            "SELECT 1;\nSELECT\n  oops;\n",
            'prelude.sql:3: database.prelude: column "oops" does not exist',
        ),
        (
            "SELECT 1;\n\nSELEKT 1;\n",
            'prelude.sql:3: database.prelude: syntax error at or near "SELEKT"',
        ),
        (
            "DO $$\nBEGIN\n  RAISE 'no' USING HINT = 'try', DETAIL = 'since';\nEND $$;",
            """prelude.sql:1: database.prelude: no
    detail: since
    hint: try
    context: PL/pgSQL function inline_code_block line 3 at RAISE""",
        ),
        (
            "BEGIN;\nCREATE SCHEMA undone;",
            "prelude.sql:2: database.prelude: the file ends within a transaction; add a COMMIT",
        ),
        ("\\set x 1\n", r"prelude.sql:1: expected SQL, got psql's own command \set; take it out"),
    ],
)
async def test_what_fails(server: Cluster, tmp_path: Path, text: str, expected: str) -> None:
    assert await run(server, tmp_path / "prelude.sql", text) == expected


async def test_an_extension_that_is_not_there(server: Cluster, tmp_path: Path) -> None:
    text = 'CREATE SCHEMA extensions;\nCREATE EXTENSION "no-such" SCHEMA extensions;\n'
    message = await run(server, tmp_path / "prelude.sql", text)
    first, *_, what, _, last = message.splitlines()
    assert first == 'prelude.sql:2: database.prelude: extension "no-such" is not available'
    assert what.endswith('has no extension "no-such"; what helps is one of')
    assert 'source = "docker"' in last


async def test_one_that_never_ends(
    server: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prelude, "_DEADLINE_S", 0.2)
    message = await run(
        server, tmp_path / "prelude.sql", "SELECT 1;\nSELECT pg_sleep(1000);\nSELECT 2;"
    )
    assert message.startswith("prelude.sql:2: database.prelude: it was not done within 0.2 s")


@pytest.mark.parametrize(
    ("harm", "mend", "expected"),
    [
        (
            "ALTER ROLE backend SUPERUSER",
            "ALTER ROLE backend NOSUPERUSER",
            "the role backend is a superuser now: no row security would bind it",
        ),
        (
            "ALTER ROLE backend NOCREATEROLE",
            "ALTER ROLE backend CREATEROLE",
            "the role backend may no longer make roles (CREATEROLE)",
        ),
        (
            "ALTER ROLE observer NOBYPASSRLS",
            "ALTER ROLE observer BYPASSRLS",
            "the role observer no longer reads past row security (BYPASSRLS)",
        ),
        (
            "REVOKE pg_read_all_data FROM observer",
            "GRANT pg_read_all_data TO observer",
            "the role observer is no longer a member of pg_read_all_data",
        ),
        (
            "ALTER DATABASE own OWNER TO shakedown",
            f"ALTER DATABASE own OWNER TO {OWNER}",
            "the database no longer belongs to the role backend",
        ),
        (
            "REVOKE CONNECT ON DATABASE own FROM PUBLIC",
            "GRANT CONNECT ON DATABASE own TO PUBLIC",
            "the role 'observer' can no longer connect: ",
        ),
        (
            "ALTER ROLE observer NOLOGIN",
            "ALTER ROLE observer LOGIN",
            "the role 'observer' can no longer connect: ",
        ),
    ],
)
async def test_roles_that_must_stay(
    server: Cluster, tmp_path: Path, harm: str, mend: str, expected: str
) -> None:
    try:
        message = await run(server, tmp_path / "prelude.sql", harm)
    finally:
        async with connect(server.url("own")) as connection:
            await connection.execute(mend.encode())
    first, *problems = message.splitlines()
    assert "must stay as they were" in first
    assert problems[0].strip().startswith(expected)


async def test_its_secrets_are_not_in_the_servers_log(server: Cluster, tmp_path: Path) -> None:
    text = f"CREATE ROLE {OBSERVER} PASSWORD 'only-here-4711';"
    assert "only-here" not in await run(server, tmp_path / "prelude.sql", text)
    assert "only-here" not in server.log_path.read_text(encoding="utf-8")
