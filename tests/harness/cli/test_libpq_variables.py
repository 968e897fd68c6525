"""libpq's variables of a CI job's real database change nothing where the database is ours."""

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration

OF_ANOTHER_DATABASE = {
    "PGHOST": "db.invalid",
    "PGHOSTADDR": "127.0.0.2",
    "PGPORT": "1",
    "PGUSER": "ci",
    "PGPASSWORD": "x",
    "PGDATABASE": "app",
    "PGSERVICE": "ci",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c search_path=nowhere -c statement_timeout=1",
    "PGTARGETSESSIONATTRS": "read-only",
    "PGCLIENTENCODING": "LATIN1",
    "PGTZ": "Asia/Kathmandu",
    "PGDATESTYLE": "SQL, DMY",
}


@pytest.mark.parametrize(
    "words",
    [
        # Reads the database, starts a system of its own, and does so in a process of its own.
        ["run", "--only", "golden.upload,hash.timezone,tenancy.row-security", "-n", "2"],
        ["explore", "--brief", "--steps", "claim,complete"],
    ],
)
def test_they_reach_no_connection(workplace: Workplace, words: list[str]) -> None:
    (workplace.folder / "temp").mkdir()
    finished = workplace.shakedown(*words, **OF_ANOTHER_DATABASE)
    assert finished.code == 0, finished.stdout + finished.stderr
