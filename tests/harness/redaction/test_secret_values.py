"""What is read from the environment is hidden where it is a secret, and only there."""

from pathlib import Path

import pytest

from harness.redaction.redactor import Redactor
from harness.redaction.secret_values import secrets_in
from harness.target import load_target


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", "hunter2"),
        ("DB_PASSWORD", "correct horse"),
        ("PGPASSWORD", "postgres"),
        ("stripeApiKey", "short-one"),
        ("API_KEY", "abcd"),
        ("LEDGER_SALT", "pepper"),
        ("SESSION_COOKIE", "a=b; c=d"),
        ("OPAQUE", "9f86d081884c7d659a2feaa0c55ad015"),
        ("REGISTRY", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("THING", "wJalrXUtnFEMIK7MDENGbPxRfiCY"),
    ],
)
def test_what_is_a_secret(name: str, value: str) -> None:
    assert value in set(secrets_in(value, ["ANYTHING", name]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "debug"),
        ("REGION", "eu-central-1"),
        ("API_HOST", "db.internal.example.org:5432"),
        ("NODE_ENV", "production"),
        ("STORAGE_DIR", "/var/lib/evidence/objects"),
        ("PUBLIC_URL", "https://staging.example.org/api/v2"),
        ("JWT_AUDIENCE", "authenticated"),
        ("TOKEN_LIFETIME", "3600"),
        ("SALT_KEY_ID", "k1"),
        ("AUTH", "none"),
        ("FEATURES", "uploads exports ledger"),
        ("MONKEY", "banana"),
    ],
)
def test_what_is_none(name: str, value: str) -> None:
    assert list(secrets_in(value, [name])) == []


def test_of_a_url_the_password_is_hidden_and_the_host_is_not() -> None:
    url = "postgres://app:s3cret-pw@db.internal/app"
    hide = Redactor(secrets_in(url, ["DATABASE"]))
    assert (
        hide(f"{url} at db.internal as app")
        == "postgres://app:***@db.internal/app at db.internal as app"
    )


TEXT = """\
name = "mine"
tokens.mint = { secret = "{env:SIGNING}", claims = {} }
environment = { LOG_LEVEL = "{env:LEVEL}", PEPPER = "{env:SALT_OF_TESTS}" }
[api]
command = ["serve", "--region", "{env:REGION}"]
environment = { SECRET = "{env:WORD}", DSN = "{env:WHERE}" }
"""


def test_a_target_hides_its_secrets_and_shows_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "SIGNING": "plainword",
        "LEVEL": "debug",
        "SALT_OF_TESTS": "saltines",
        "REGION": "eu-central-1",
        "WORD": "sesame",
        "WHERE": "postgres://app:kitchen@db/app",
    }.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "shakedown.toml"
    file.write_text(TEXT, encoding="utf-8")
    secrets = load_target(file).secrets
    assert {"plainword", "sesame", "kitchen", "postgres://app:kitchen@db/app"} <= secrets
    assert not {"debug", "eu-central-1"} & secrets
    assert "saltines" in secrets
