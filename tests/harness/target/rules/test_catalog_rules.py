from pathlib import Path

import pytest

from harness.target import load_target
from tests.target_files import refusals, write

BEGIN = """\
name = "mine"
[api]
command = "serve --port {port}"
[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }
[ledger]
table = "app.trail"
salts = { k1 = "one" }
"""


def test_tables_and_roles_under_other_names(tmp_path: Path) -> None:
    text = """[catalog]
ignore_schemas = ["auth", "cron"]
tables = { evidence = "app.documents", jobs = "" }
roles = { authenticated = "app_user", anon = "" }
"""
    target = load_target(write(tmp_path, BEGIN + text))
    assert target.tenant_tables == {
        "evidence": "app.documents",
        "exports": "exports",
        "ledger": "app.trail",
    }
    assert target.catalog.own_roles == {
        "authenticated": "app_user",
        "service_role": "service_role",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ignore_schemas = 'auth'\n", 'ignore_schemas: expected a list, such as ["a", "b"]'),
        ('ignore_schemas = ["pg_catalog"]\n', "pg_catalog is never judged"),
        ('tables = { evidnce = "x" }\n', "did you mean evidence?"),
        ('tables = { evidence = "" }\n', "11: catalog.tables.evidence: empty; only jobs"),
        ('tables = { ledger = "trail" }\n', "[ledger] table says 'app.trail'; remove it here"),
        ('roles = { anon = "service_role" }\n', "11: catalog.roles.anon: 'service_role' is the"),
        ('roles = { service_role = "w" }\n[claim]\n', "[claim] role says 'service_role'; write"),
        ('roles = { admin = "x" }\n', "catalog.roles.admin: expected one of"),
    ],
)
def test_a_wrong_catalog_is_told_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    lines = refusals(tmp_path, f"{BEGIN}[catalog]\n{text}")
    assert any(line in each for each in lines), lines
