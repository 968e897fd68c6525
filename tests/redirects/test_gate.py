"""The gate on a backend that redirects downloads to signed addresses."""

from pathlib import Path

import pytest

from tests.foreign.gate_runs import gate

from .conftest import DECLARED, Write

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DOWNLOADING = (
    "golden.upload,golden.manifest,upload.content-fidelity,tenancy.matrix,load.*,"
    "tenancy.signed-addresses"
)


async def test_what_is_right_passes(written: Write, tmp_path: Path) -> None:
    run = await gate(tmp_path, written(DECLARED), "--only", DOWNLOADING)
    assert run.exit_code == 0, run.printed
    assert set(run.verdicts.values()) == {"pass"}
    assert len(run.verdicts) == 6
    assert "signature=" not in run.everything.replace("signature=***", "")


async def test_a_host_that_is_not_declared_is_not_asked(written: Write, tmp_path: Path) -> None:
    elsewhere = DECLARED.replace("127.0.0.1", "storage.example.net")
    run = await gate(tmp_path, written(elsewhere), "--only", "golden.upload")
    assert run.exit_code == 2, run.printed
    assert run.verdicts == {"golden.upload": "inconclusive"}
    line = '[contract.redirects] hosts = ["storage.example.net", "127.0.0.1"]'
    assert line in run.printed


@pytest.mark.parametrize(
    ("defects", "rules"),
    [
        ("needs-token", {"download.redirect"}),
        (
            "foreign-redirected,other-bytes,never-expires,path-unsigned",
            {
                "tenancy.foreign-looks-unknown",
                "download.unchanged",
                "download.address-expires",
                "download.address-signed",
            },
        ),
    ],
)
async def test_what_is_wrong_is_found(
    written: Write, tmp_path: Path, defects: str, rules: set[str]
) -> None:
    only = "golden.upload,tenancy.matrix,tenancy.signed-addresses"
    run = await gate(tmp_path, written(DECLARED), "--only", only, REDIRECT_DEFECT=defects)
    assert run.exit_code == 1, run.printed
    assert rules <= run.rules
