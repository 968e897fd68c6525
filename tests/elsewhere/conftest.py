"""The reference backend, running already, and the gate as somebody who knows only its address."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.client import Organizations
from harness.machine.journal import Journal
from harness.recovery.healing import end_run
from harness.system import System, launch
from harness.target import load_target
from tests.warm import run_shakedown

DEADLINE_S = 150


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run of the gate came to."""

    code: int
    told: str
    checks: Mapping[str, Mapping[str, Any]]
    out: Path
    seed: int

    def verdicts(self) -> dict[str, str]:
        return {name: check["verdict"] for name, check in self.checks.items()}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Runs `shakedown run` in a folder of the test's."""

    folder: Path
    runs: list[Path] = field(default_factory=list)

    async def run(self, *words: str, environment: Mapping[str, str]) -> Outcome:
        out = self.folder / f"out-{len(self.runs)}"
        self.runs.append(out)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = await asyncio.to_thread(
            run_shakedown,
            ["run", "--out", str(out), *words],
            cwd=self.folder,
            env={**kept, **environment},
            deadline_s=DEADLINE_S,
        )
        results = out / "results.json"
        found = json.loads(results.read_text()) if results.exists() else {"checks": []}
        return Outcome(
            code=done.code,
            told=done.stdout + done.stderr,
            checks={check["id"]: check for check in found["checks"]},
            out=out,
            seed=found.get("seed", -1),
        )


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(folder=tmp_path)


@pytest.fixture(scope="session")
async def reference() -> AsyncIterator[System]:
    """One API instance and one worker; defects get siblings of it."""
    journal = Journal.begin()
    target = load_target()
    try:
        system = await launch(target, journal=journal, api_instances=1, workers=1)
        try:
            yield system
        finally:
            await system.close()
    finally:
        end_run(journal)


async def known_by(system: System, *, role: str = "member") -> dict[str, str]:
    """What `shakedown up` prints: all that somebody elsewhere knows of the backend."""
    base_url = system.api[0].base_url
    async with Organizations.of(system.target, [base_url]) as organizations:
        a, b = await organizations.several(2)
        jobs = [await each.new_job() for each in (a, b)]
    return {
        "BACKEND_URL": base_url,
        "JWT_TOKEN": a.tokens[role],
        "JOB_ID": jobs[0]["id"],
        "JWT_ORG_A": a.tokens[role],
        "JWT_ORG_B": b.tokens[role],
        "JOB_ID_ORG_A": jobs[0]["id"],
        "JOB_ID_ORG_B": jobs[1]["id"],
    }
