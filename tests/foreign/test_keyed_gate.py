"""Tokens signed with a key pair of the run: minted, taken by the backend, forged and refused."""

from pathlib import Path

import pytest

from .gate_runs import ROOT, gate

pytestmark = pytest.mark.integration

TARGET = ROOT / "tests/foreign/keyed/shakedown.toml"
PROFILES = ROOT / "tests/foreign/keyed/profiles.toml"


def smaller(folder: Path, file: Path, *changes: tuple[str, str]) -> Path:
    """Write the target file for one API instance and one worker, and with other texts in it."""
    text = file.read_text()
    few = (("instances = 3", "instances = 1"), ("instances = 2", "instances = 1"))
    for old, new in (("../../..", str(ROOT)), *few, *changes):
        assert old in text
        text = text.replace(old, new)
    copy = folder / "shakedown.toml"
    copy.write_text(text)
    return copy


async def test_keys_by_url_and_tenants_that_are_looked_up_pass(tmp_path: Path) -> None:
    checks = "tenancy.tokens,tenancy.direct-sql"
    # Two processes: both sign with the key pair of the one that began the run.
    run = await gate(tmp_path, smaller(tmp_path, PROFILES), "--only", checks, "-n", "2")
    assert run.exit_code == 0, run.printed
    assert run.verdicts == {"tenancy.tokens": "pass", "tenancy.direct-sql": "pass"}
    assert "PRIVATE KEY" not in run.everything
    assert "eyJ" not in run.everything


async def test_a_forgery_by_the_public_key_is_found_where_keys_are_a_file(tmp_path: Path) -> None:
    target = smaller(tmp_path, TARGET, ('"{jwks_url}"', '"{jwks_file}"'))
    only = ("--only", "tenancy.tokens")
    run = await gate(tmp_path, target, *only, KEYED_DEFECT="public-key-as-secret")
    assert run.exit_code == 1, run.printed
    assert run.verdicts == {"tenancy.tokens": "fail"}
    assert "HS256 with the public key as PEM" in run.everything


async def test_a_fetch_from_where_a_token_says_is_found_where_the_key_is_pem(
    tmp_path: Path,
) -> None:
    changes = (('"{jwks_url}"', '"{jwt_public_key}"'), ('"ES256"', '"RS256"'))
    only = ("--only", "tenancy.tokens")
    target = smaller(tmp_path, TARGET, *changes)
    run = await gate(tmp_path, target, *only, KEYED_DEFECT="looks-at-jku")
    assert run.exit_code == 1, run.printed
    assert run.rules == {"tokens.fetches-nothing"}


async def test_a_claim_that_names_another_tenant_is_found_where_tenants_are_looked_up(
    tmp_path: Path,
) -> None:
    only = ("--only", "tenancy.user-metadata")
    run = await gate(tmp_path, smaller(tmp_path, PROFILES), *only, KEYED_DEFECT="claims-win")
    assert run.exit_code == 1, run.printed
    assert run.verdicts == {"tenancy.user-metadata": "fail"}
    assert "app_metadata" in run.everything
