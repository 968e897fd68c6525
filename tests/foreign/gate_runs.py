"""The gate as somebody runs it on a foreign backend: a command, and what it leaves."""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.warm import run_shakedown

ROOT = Path(__file__).parents[2]
_DEADLINE_S = 180


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run of the gate printed, and what it wrote."""

    exit_code: int
    printed: str
    report: Path

    @property
    def verdicts(self) -> dict[str, str]:
        results: dict[str, Any] = json.loads((self.report / "results.json").read_text())
        return {check["id"]: check["verdict"] for check in results["checks"]}

    @property
    def rules(self) -> set[str]:
        """The rules that findings broke."""
        results: dict[str, Any] = json.loads((self.report / "results.json").read_text())
        return {found["rule"] for check in results["checks"] for found in check["findings"]}

    def rules_of(self, check_id: str) -> set[str]:
        """The rules that the findings of one check broke."""
        results: dict[str, Any] = json.loads((self.report / "results.json").read_text())
        (check,) = [each for each in results["checks"] if each["id"] == check_id]
        return {found["rule"] for found in check["findings"]}

    @property
    def everything(self) -> str:
        """All that anybody can read afterwards."""
        files = [path for path in self.report.rglob("*") if path.is_file()]
        return self.printed + "".join(path.read_text(errors="replace") for path in files)


async def gate(folder: Path, target: Path, *words: str, **environment: str) -> Run:
    """Run the gate on a target, and give what came of it; fails when it is not done in time."""
    report = folder / "report"
    done = await asyncio.to_thread(
        run_shakedown,
        ["run", "--target", str(target), "--out", str(report), *words],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **environment},
        deadline_s=_DEADLINE_S,
    )
    return Run(exit_code=done.code, printed=done.stdout + done.stderr, report=report)
