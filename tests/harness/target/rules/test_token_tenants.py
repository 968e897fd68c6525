"""What `[tokens.tenants]` and `[tokens.command]` may say, and what is refused with its line."""

from pathlib import Path

import pytest

from harness.target import load_target
from tests.target_files import refusals, write

TENANTS = """\
name = "mine"
[api]
command = ["{python}", "api.py"]
[database]
source = "embedded"
migrate = { command = ["{python}", "migrate.py"] }
[tokens.mint]
secret = "hush-hush-hush-hush-hush-hush-hush"
claims = { sub = "{user}" }
[tokens.tenants]
role_names = { owner = "boss" }
[tokens.tenants.sql]
organization = "INSERT INTO tenants VALUES ({organization}, {name})"
user = ["INSERT INTO people VALUES ({user})", "INSERT INTO members VALUES ({user}, {role})"]
"""
MINT = """\
[tokens.mint]
secret = "hush-hush-hush-hush-hush-hush-hush"
claims = { sub = "{user}" }"""
CALLS = """\
name = "mine"
driver = "external"
[api]
base_urls = ["http://127.0.0.1:9"]
[tokens.command]
command = ["get-token", "--user={user}", "--role={role}"]
environment = { PASSWORD = "{env:MY_PASSWORD}" }
[tokens.tenants.calls]
admin_token = "open-sesame-0815"
headers = { Authorization = "Bearer {admin_token}" }
user = { path = "/people", body = { id = "{user}", tenant = "{organization}", role = "{role}" } }
"""


def test_tenants_are_entered_by_sql(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, TENANTS))
    assert target.tokens.tenants
    assert target.tokens.tenants.sql
    assert len(target.tokens.tenants.sql.user) == 2
    assert target.tokens.makes_organizations


def test_sql_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "people.sql").write_text("INSERT INTO people VALUES ({user});\nSELECT 1;\n")
    text = TENANTS[: TENANTS.index("user = [")] + 'user_file = "people.sql"\n'
    target = load_target(write(tmp_path, text))
    assert target.tokens.tenants
    assert target.tokens.tenants.sql
    assert target.tokens.tenants.sql.user == ("INSERT INTO people VALUES ({user});\nSELECT 1;\n",)


def test_tenants_are_entered_by_calls_and_tokens_by_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "correct-horse")
    target = load_target(write(tmp_path, CALLS))
    assert target.tokens.makes_organizations
    assert target.tokens.makes_by_calls
    assert {"open-sesame-0815", "correct-horse"} <= target.secrets


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{organization}, {name}", "{organisation}, {name}", "13: tokens.tenants.sql.organization"),
        ("{organization}, {name}", "{organization}, {user}", "13: tokens.tenants.sql.organization"),
        (
            "({organization}, {name})",
            "({organization}, '{name}')",
            "13: tokens.tenants.sql.organization: {name} is bound as a parameter: write it without",
        ),
        (
            "({organization}, {name})",
            "({organization}, {env:MY_NAME})",
            "13: tokens.tenants.sql.organization: expected the SQL itself: {env:NAME} would be",
        ),
        ('"INSERT INTO tenants VALUES ({organization}, {name})"', '"-- later"',
         "13: tokens.tenants.sql.organization: expected an SQL statement, got none"),
        ("user = [", "usr = [", "14: tokens.tenants.sql.usr: unknown key"),
        ("user = [", "organization_file = 'x.sql'\nuser = [",
         "14: tokens.tenants.sql.organization_file: expected a file beside the target file"),
        ('role_names = { owner = "boss" }', 'role_names = { ower = "boss" }',
         "11: tokens.tenants.role_names.ower: unknown role 'ower'; expected one of owner, member,"),
        ("[tokens.tenants.sql]",
         "[tokens.tenants.calls]\nuser = { path = '/x' }\n[tokens.tenants.sql]",
         "10: tokens.tenants: expected one of [tokens.tenants.sql] and"),
        (MINT,
         '[tokens.given]\ntoken = "t"', "9: tokens.tenants: goes with [tokens.mint] or"),
        ('source = "embedded"\nmigrate = { command = ["{python}", "migrate.py"] }',
         'source = "none"', '11: tokens.tenants.sql: [database] source = "none": that database is'),
    ],
)  # fmt: skip
def test_wrong_sql_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_NAME", "x")
    assert TENANTS.count(old) == 1
    found = refusals(tmp_path, TENANTS.replace(old, new))
    assert any(line.startswith(f"shakedown.toml:{expected}") for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("--role={role}", "--role={rank}", "6: tokens.command.command: unknown placeholder {rank}"),
        ("{env:MY_PASSWORD}", "{token}", "7: tokens.command.environment.PASSWORD: unknown"),
        ("[tokens.command]", "[tokens.command]\ntimeout_s = 0", "6: tokens.command.timeout_s: exp"),
        ("command = [", "comand = [", "5: tokens.command.command: missing; this key is required"),
        ('path = "/people"', 'path = "/people/{admin_token}"',
         "11: tokens.tenants.calls.user.path: {admin_token} is secret, and URLs are not"),
        ('role = "{role}"', 'role = "{rank}"', "11: tokens.tenants.calls.user.body.role: unknown"),
        ("Bearer {admin_token}", "Bearer {role}", "10: tokens.tenants.calls.headers.Authorization"),
        ('path = "/people",', 'path = "/people", gives = { token = "/t" },',
         "8: tokens.tenants.calls: user.gives has a token, which comes from elsewhere"),
        ("user = { path", "usr = { path", "11: tokens.tenants.calls.usr: unknown key"),
    ],
)  # fmt: skip
def test_wrong_calls_and_commands_are_told_with_their_line(
    tmp_path: Path, old: str, new: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "correct-horse")
    assert CALLS.count(old) == 1
    found = refusals(tmp_path, CALLS.replace(old, new))
    assert any(line.startswith(f"shakedown.toml:{expected}") for line in found), found
    assert not any("correct-horse" in line or "sesame" in line for line in found)
