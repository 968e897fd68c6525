import re

import pytest

from harness.system.migrate_hints import migrate_hints
from harness.target.tables.models import Database

EMBEDDED = Database(source="embedded")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ('ERROR:  extension "pg_cron" is not available', '"pg_cron"'),
        (r'{"error": "extension \"pg_cron\" is not available"}', '"pg_cron"'),
        ('could not open extension control file "/x/share/pg_cron.control": No such', '"pg_cron"'),
        ('permission denied to create extension "dblink"', 'make the extension "dblink"'),
        ('role "service_role" does not exist', 'prelude, .* make the role "service_role"'),
        ('error: schema "auth" does not exist\n    at x.js', 'make the schema "auth"'),
        ("function auth.uid() does not exist", r"a stand-in for the function auth\.uid\(\)"),
        ("must be superuser to alter system", r"superuser may \(must be superuser to alter"),
        ("Only roles with the BYPASSRLS attribute may", "only a superuser may"),
    ],
)
def test_what_a_platform_would_have(printed: str, expected: str) -> None:
    hint = migrate_hints(printed, EMBEDDED)
    assert hint.startswith("\n")
    assert re.search(expected, hint)


def test_each_once_and_nothing_without_a_reason() -> None:
    printed = 'role "a" does not exist\nrole "a" does not exist\nschema "b" does not exist'
    (line,) = migrate_hints(printed, EMBEDDED).strip().splitlines()
    assert line.endswith('can make the role "a", make the schema "b"')
    assert migrate_hints("relation jobs does not exist", EMBEDDED) == ""


def test_an_image_without_the_extension() -> None:
    wanted = Database(source="docker", image="postgres:17")
    hint = migrate_hints('extension "vector" is not available', wanted)
    assert (
        hint == '\npostgres:17 has no extension "vector": [database] image needs one that brings it'
    )
