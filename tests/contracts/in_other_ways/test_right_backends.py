"""Backends that keep the contract in other ways than the reference backend pass the gate."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.foreign.gate_runs import gate

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
DEFAULT = HERE.parents[2] / "harness" / "target" / "default.toml"
MIGRATE = 'command = ["{python}", "-m", "reference_backend", "migrate"]'


def target_with(folder: Path, files: Sequence[str]) -> Path:
    """A target file of the reference backend with this SQL after its own migration."""
    command = [sys.executable, str(HERE / "migrate.py"), *(str(HERE / file) for file in files)]
    text = DEFAULT.read_text(encoding="utf-8")
    assert MIGRATE in text
    for name in ("contracts/openapi.yaml", "reference_backend/claim_protocol.toml"):
        text = text.replace(f'"{name}"', f'"{DEFAULT.parents[2] / name}"')
    text = text.replace("instances = 3", "instances = 1").replace("instances = 2", "instances = 1")
    target = folder / "shakedown.toml"
    target.write_text(text.replace(MIGRATE, f"command = {command}"), encoding="utf-8")
    return target


async def test_a_ledger_by_triggers_and_views_with_functions_pass(tmp_path: Path) -> None:
    """Tampering leaves the backend's own writes alone, and nothing of it is too odd to look at."""
    target = target_with(tmp_path, ["ledger_by_trigger.sql", "view_with_a_function.sql"])
    checks = (
        "hash.tamper", "hash.immutable", "manifest.tamper-nested", "tenancy.privileges",
        "tenancy.row-security", "tenancy.direct-sql", "tenancy.user-metadata",
    )  # fmt: skip
    run = await gate(tmp_path, target, "--only", ",".join(checks))
    assert run.verdicts == dict.fromkeys(checks, "pass"), run.printed
    assert run.exit_code == 0


async def test_names_that_the_database_does_not_have_are_refused_with_their_lines(
    tmp_path: Path,
) -> None:
    """The target file is wrong, not the backend: no check runs."""
    target = target_with(tmp_path, [])
    lines = target.read_text(encoding="utf-8")
    lines += '\n[ledger.columns]\nhash = "hahs"\n\n[catalog]\nignore_schemas = ["auth"]\n'
    target.write_text(lines, encoding="utf-8")
    first = lines.splitlines().index("[ledger.columns]") + 2
    run = await gate(tmp_path, target, "--only", "golden.ledger-event")
    assert run.exit_code == 3
    assert f"shakedown.toml:{first}: ledger.columns.hash: unknown column 'hahs'" in run.printed
    assert "(did you mean hash?)" in run.printed
    assert f"shakedown.toml:{first + 3}: catalog.ignore_schemas.0: unknown schema" in run.printed
