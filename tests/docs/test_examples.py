"""The examples of docs/your-backend.md are target files that load, and a prelude that runs."""

import re
from pathlib import Path

import pytest

from harness.postgres.prelude import run_prelude
from harness.postgres.server import connect
from harness.target import Target, load_target
from harness.target.tables.models import Database
from tests.own_cluster import own_cluster
from tests.target_files import write

PAGE = (Path(__file__).parents[2] / "docs/your-backend.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code of one language on the page, in its order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def example(folder: Path, name: str) -> Target:
    (text,) = (block for block in blocks("toml") if block.startswith(f'name = "{name}"'))
    prelude(folder)
    return load_target(write(folder, text))


def prelude(folder: Path) -> str:
    """The page's only SQL, as the file that its example names."""
    (text,) = blocks("sql")
    file = folder / "prelude.sql"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_the_first_one_and_its_names(tmp_path: Path) -> None:
    example(tmp_path, "my backend")
    head = (
        '[api]\ncommand = "x"\n[tokens.mint]\nsecret = "0123456789"\nclaims = { sub = "{user}" }\n'
    )
    others = [block for block in blocks("toml") if not block.startswith("name")]
    assert len(others) == 2
    for text in others:
        load_target(write(tmp_path, f'name = "x"\n{head}{text}'))


def test_the_hosted_one_says_what_the_text_says(tmp_path: Path) -> None:
    target = example(tmp_path, "field reports")
    assert target.database.prelude == (str(tmp_path / "prelude.sql"),)
    assert target.contract.without.pages is True
    assert target.claim
    assert target.claim.states["preparing"] == ("generating", "uploading")


@pytest.mark.integration
async def test_the_prelude_runs(tmp_path: Path) -> None:
    wanted = Database(source="embedded", prelude=(prelude(tmp_path),))
    # Roles are a whole server's, and other tests make the same ones.
    async with own_cluster() as cluster:
        await cluster.create_database("hosted")
        await run_prelude(cluster, "hosted", wanted)
        async with connect(cluster.url("hosted", "backend")) as connection:
            await connection.execute(
                "CREATE TABLE photos (owner uuid REFERENCES auth.users DEFAULT auth.uid())"
            )
            await connection.execute("GRANT SELECT ON photos TO authenticated")
            await connection.execute("SET ROLE service_role")
