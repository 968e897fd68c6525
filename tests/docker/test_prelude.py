"""A prelude in a database in a container: there for the migration, and in every clone."""

import contextlib
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.machine.journal import Journal
from harness.postgres.server import connect
from harness.system import launch, launch_sibling
from harness.target import Target
from tests.harness.system.test_prelude import FUNCTIONS, MIGRATE, ROLES
from tests.target_files import changed_target

pytestmark = pytest.mark.docker

TARGET = """\
name = "prelude"
driver = "process"
[environment]
DATABASE_URL = "{database_url}"
[api]
command = ["{python}", "--version", "{host}", "{port}"]
[database]
source = "docker"
prelude = ["roles.sql", "functions.sql"]
migrate = { command = ["{python}", "migrate.py"] }
[tokens.mint]
secret = "hush-hush-hush-hush-hush-hush-hush"
claims = { sub = "{user}" }
"""


@pytest.fixture
def target(tmp_path: Path) -> Target:
    for name, text in (("roles.sql", ROLES), ("functions.sql", FUNCTIONS), ("migrate.py", MIGRATE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return changed_target(tmp_path, TARGET, ())


@pytest.mark.usefixtures("nothing_is_left")
async def test_it_is_there_for_the_migration_and_in_every_clone(
    target: Target, journal: Journal
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        system = await launch(target, journal=journal, api_instances=0, workers=0)
        stack.push_async_callback(system.close)
        sibling = await launch_sibling(system, api_instances=0, workers=0)
        stack.push_async_callback(sibling.close)
        for one in (system, sibling):
            assert one.control_url
            async with connect(one.control_url) as connection:
                await connection.execute("SET ROLE service_role")
                notes = await (await connection.execute("SELECT text FROM notes")).fetchall()
                assert notes == [("mine",)]
                await connection.execute("SET ROLE authenticated")
                notes = await (await connection.execute("SELECT text FROM notes")).fetchall()
                assert notes == []


@pytest.mark.usefixtures("nothing_is_left")
async def test_a_statement_that_fails_is_told_with_its_line(
    target: Target, journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / "functions.sql").write_text("SELECT 1;\nSELECT no_such_function();\n", "utf-8")
    with pytest.raises(Misconfigured, match=r"functions\.sql:2"):
        await launch(target, journal=journal, api_instances=0, workers=0)
