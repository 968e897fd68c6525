"""Tokens signed with a key pair of the run: minted, taken by the backend, forged and refused."""

from pathlib import Path

import pytest

from .gate_runs import ROOT, gate

pytestmark = pytest.mark.integration

TARGET = ROOT / "tests/foreign/keyed/shakedown.toml"
PROFILES = ROOT / "tests/foreign/keyed/profiles.toml"


def with_changes(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the target file with each text that a change names replaced by the other one."""
    text = TARGET.read_text()
    for old, new in (("../../..", str(ROOT)), *changes):
        assert old in text
        text = text.replace(old, new)
    file = folder / "shakedown.toml"
    file.write_text(text)
    return file


async def test_a_backend_that_gets_its_keys_by_url_passes(tmp_path: Path) -> None:
    run = await gate(tmp_path, TARGET, "--only", "tenancy.tokens,golden.upload", "-n", "2")
    assert run.exit_code == 0, run.printed
    assert run.verdicts == {"tenancy.tokens": "pass", "golden.upload": "pass"}
    assert "PRIVATE KEY" not in run.everything
    assert "eyJ" not in run.everything


async def test_a_forgery_by_the_public_key_is_found_where_keys_are_a_file(tmp_path: Path) -> None:
    target = with_changes(
        tmp_path, ('"{jwks_url}"', '"{jwks_file}"'), ("instances = 3", "instances = 1")
    )
    run = await gate(
        tmp_path, target, "--only", "tenancy.tokens", KEYED_DEFECT="public-key-as-secret"
    )
    assert run.exit_code == 1, run.printed
    assert run.verdicts == {"tenancy.tokens": "fail"}
    assert "HS256 with the public key as PEM" in run.everything


async def test_a_fetch_from_where_a_token_says_is_found_where_the_key_is_pem(
    tmp_path: Path,
) -> None:
    target = with_changes(
        tmp_path,
        ('"{jwks_url}"', '"{jwt_public_key}"'),
        ("instances = 3", "instances = 1"),
        ('"ES256"', '"RS256"'),
    )
    run = await gate(tmp_path, target, "--only", "tenancy.tokens", KEYED_DEFECT="looks-at-jku")
    assert run.exit_code == 1, run.printed
    assert run.rules == {"tokens.fetches-nothing"}


async def test_a_claim_that_names_another_tenant_is_found_where_tenants_are_looked_up(
    tmp_path: Path,
) -> None:
    checks = "tenancy.user-metadata,golden.upload"
    run = await gate(tmp_path, PROFILES, "--only", checks, KEYED_DEFECT="claims-win")
    assert run.exit_code == 1, run.printed
    assert run.verdicts == {"tenancy.user-metadata": "fail", "golden.upload": "pass"}
    assert "app_metadata" in run.everything


async def test_tenants_that_are_looked_up_pass(tmp_path: Path) -> None:
    checks = "tenancy.tokens,tenancy.direct-sql,tenancy.viewer"
    run = await gate(tmp_path, PROFILES, "--only", checks, "-n", "2")
    assert run.exit_code == 0, run.printed
