"""The gate on a backend that has the organization in its paths."""

from pathlib import Path

import pytest

from harness.client.routes import contract_routes
from harness.target.load import DEFAULT_TARGET, load_target
from reference_backend.api.routes import Access, all_routes
from tests.foreign.gate_runs import ROOT, Run, gate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

EVERY_SENDER = (
    "golden.export-download,tenancy.matrix,tenancy.lists,tenancy.tokens,upload.malformed-multipart,"
    "contract.problem-details,contract.fuzz,load.exactly-once"
)


def target_file(folder: Path) -> Path:
    """The shipped target, each operation that needs a token below its organization."""
    text = DEFAULT_TARGET.read_text(encoding="utf-8")
    for before, after in (
        ('"reference_backend", "api"', '"tests.organization_paths.backend", "api"'),
        ('driver = "process"', f'driver = "process"\ndirectory = "{ROOT}"'),
        ("[environment]", "[environment]\nPATH_DEFECT = '{env:PATH_DEFECT?}'\n"),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    known = contract_routes(load_target(None).contract)
    for route in all_routes():
        if route.access is not Access.PUBLIC and route.operation_id in known:
            path = route.path.replace("/api/", "/api/organizations/{organization}/", 1)
            text += f'\n[contract.operations.{route.operation_id}]\npath = "{path}"\n'
    file = folder / "shakedown.toml"
    file.write_text(text, encoding="utf-8")
    return file


async def run(folder: Path, only: str, **environment: str) -> Run:
    return await gate(folder, target_file(folder), "--only", only, **environment)


async def test_every_sender_fills_it_in(tmp_path: Path) -> None:
    clean = await run(tmp_path, EVERY_SENDER)
    assert clean.exit_code == 0, clean.printed
    assert set(clean.verdicts.values()) == {"pass"}


@pytest.mark.parametrize(
    ("defect", "rule"),
    [
        ("path-trusted-by-reads", "tenancy.no-foreign-data"),
        ("told-apart", "tenancy.foreign-looks-unknown"),
    ],
)
async def test_a_stranger_in_the_path_is_told(tmp_path: Path, defect: str, rule: str) -> None:
    wrong = await run(tmp_path, "tenancy.matrix", PATH_DEFECT=defect)
    assert wrong.exit_code == 1, wrong.printed
    assert rule in wrong.rules
