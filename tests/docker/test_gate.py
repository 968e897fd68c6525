"""The gate gives the same verdicts in containers: right on the clean backend, wrong on a defect."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.containers.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

WHERE_CONTAINERS_DIFFER = (
    "golden.*,instances.*,"  # several of them behind one network and one storage
    "hash.tamper,manifest.files-match,upload.size-limit,"  # the harness looks into the volume
    "claim.fallback,tenancy.pooled-connections,"  # systems of their own, told how to be
    "chaos.worker-*"  # kill and freeze
)
"""One check for each way in which a container is not a process; CI runs the whole gate besides."""


def gate(
    out: Path, only: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    words = ["run", "--driver", "docker", "--only", only, "--out", str(out)]
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        env={**os.environ, **(environment or {})},
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.usefixtures("nothing_is_left")
def test_the_clean_backend_passes(engine: Engine, tmp_path: Path) -> None:
    done = gate(tmp_path / "out", WHERE_CONTAINERS_DIFFER)
    assert done.returncode == 0, done.stdout + done.stderr
    found = results(tmp_path / "out")
    assert {check["verdict"] for check in found["checks"]} == {"pass"}
    assert len(found["checks"]) > 12
    assert found["target"]["postgres"].startswith("17")


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("fallback-without-guard", "claim.fallback"),  # of the worker's image
        ("upload-empty-accepted", "upload.empty-file"),  # of the API's image
        ("row-security-not-forced", "tenancy.row-security"),  # of the migration's image
    ],
)
def test_a_defect_in_the_image_is_caught(
    engine: Engine, tmp_path: Path, defect: str, check: str
) -> None:
    done = gate(tmp_path / "out", check, {"REFERENCE_BACKEND_DEFECT": defect})
    assert done.returncode == 1, done.stdout + done.stderr
    assert [each["verdict"] for each in results(tmp_path / "out")["checks"]] == ["fail"]
    assert f"shakedown run --only {check}" in done.stdout
    assert "--driver docker" in done.stdout
