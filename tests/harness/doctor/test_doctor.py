"""`shakedown doctor` as somebody runs it: what holds, what does not, and what to write."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.warm import run_shakedown

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
DEFAULT = ROOT / "harness" / "target" / "default.toml"
DEADLINE_S = 120


def _target(folder: Path, changes: Mapping[str, str], more: str = "") -> Path:
    text = DEFAULT.read_text(encoding="utf-8")
    for name in ("contracts/openapi.yaml", "reference_backend/claim_protocol.toml"):
        text = text.replace(f'"{name}"', f'"{ROOT / name}"')
    text = text.replace("instances = 3", "instances = 1").replace("instances = 2", "instances = 1")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    file = folder / "shakedown.toml"
    file.write_text(text + more, encoding="utf-8")
    return file


def _doctor(folder: Path, target: Path, **environment: str) -> tuple[int, str]:
    done = run_shakedown(
        ["doctor", "--target", str(target), "--out", str(folder / "doctor")],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **environment},
        deadline_s=DEADLINE_S,
    )
    return done.code, done.stdout


def test_where_every_step_holds_the_next_command_is_a_run(tmp_path: Path) -> None:
    code, printed = _doctor(tmp_path, _target(tmp_path, {}))
    assert code == 0, printed
    assert "queued" in printed
    assert "401 invalid_token, 404 not_found, 415 unsupported_type" in printed
    assert "✘" not in printed
    assert printed.splitlines()[-1].endswith(
        "next: shakedown run --target " + str(tmp_path / "shakedown.toml")
    )
    assert not (tmp_path / "doctor").exists()


def test_it_goes_on_after_what_does_not_hold(tmp_path: Path) -> None:
    wrong = """
[contract.operations.uploadEvidence]
path = "/api/jobs/{job_id}/files"
"""
    target = _target(tmp_path, {'table = "audit_logs"': 'table = "audit_log"'}, wrong)
    code, printed = _doctor(tmp_path, target)
    assert code == 1, printed
    assert "✘ upload" in printed
    assert "[contract.operations.uploadEvidence]" in printed
    assert "curl" in printed
    assert "✔ download" in printed
    assert "✔ table of exports" in printed
    assert "✘ table of the ledger" in printed
    assert 'table = "audit_logs"' in printed


def test_a_token_that_is_refused_is_told_once(tmp_path: Path) -> None:
    target = _target(tmp_path, {'audience = "': 'audience = "other-'})
    text = target.read_text(encoding="utf-8")
    # The backend keeps the audience that it had.
    target.write_text(text.replace('"{jwt_audience}"', '"authenticated"'), encoding="utf-8")
    code, printed = _doctor(tmp_path, target)
    assert code == 1, printed
    assert "✘ token" in printed
    assert printed.count('audience = "…"') == 1
    assert "there is no token that the backend takes" in printed


def test_nobody_at_the_address_is_told_with_the_line(tmp_path: Path) -> None:
    target = tmp_path / "shakedown.toml"
    target.write_text(
        'name = "gone"\ndriver = "external"\napi.base_urls = ["http://127.0.0.1:9"]\n'
        'tokens.mint = { secret = "s", claims = { sub = "{user}" } }\n',
        encoding="utf-8",
    )
    code, printed = _doctor(tmp_path, target)
    assert code == 1, printed
    assert "✘ reach" in printed
    assert 'base_urls = ["http://127.0.0.1:9"]' in printed


def test_what_an_instance_wrote_before_it_failed_is_called_its_log(tmp_path: Path) -> None:
    command = 'command = ["{python}", "-m", "reference_backend", "api"]'
    ends = """command = ["{python}", "-c", "raise SystemExit('no setting of a kind')"]"""
    code, printed = _doctor(tmp_path, _target(tmp_path, {command: ends}))
    assert code == 1, printed
    assert "✘ start" in printed
    assert "\n    log      " in printed
    assert "no setting of a kind" in printed
    assert "\n    request " not in printed
