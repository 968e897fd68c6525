"""One run of the gate in its own process, as its users run it, with one defect or none."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from harness.check import PROFILES, Profile, matches_id, plain_id
from harness.prove.matrix import GateRun, joined

_STOP_GRACE_S = 20.0

QUICK: Profile = "quick"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """How to run the gate: the options every run shares.

    `variable` is the environment variable that switches a defect on; `deadline_s` bounds one run.
    """

    variable: str
    seed: int
    target: Path | None = None
    deadline_s: float = 300.0
    allow_inconclusive: tuple[str, ...] = ()
    """Known gaps of this backend: these checks may be inconclusive."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """The shortest profile that runs a check, by the check's id; of others it is the quick one."""

    def command(self, out: Path, only: Sequence[str], profile: Profile = QUICK) -> tuple[str, ...]:
        """The command line of one run; `only` empty means every check of the profile."""
        chosen = [part for check in only for part in ("--only", check)]
        known = [part for gap in self.allow_inconclusive for part in ("--allow-inconclusive", gap)]
        aimed = ["--target", str(self.target)] if self.target else []
        return (
            *(sys.executable, "-P", "-m", "harness", "run", "--first-finding"),
            *("--seed", str(self.seed)),
            *("--out", str(out), *aimed, *chosen, *known),
            *(("--profile", profile) if profile != QUICK else ()),
        )

    async def run(
        self, *, defect: str | None, only: Sequence[str] = (), also: Sequence[str] = ()
    ) -> GateRun:
        """Run the checks that `only` names, each in the shortest profile that has it.

        None named: the quick profile; and beside it those of `also` that it does not have. A check
        that can look longer does so in a longer profile, so each profile is a run of its own.

        A run that could not judge (no results, an exit code above 2, the deadline) has
        `problem` set. The process is never left behind: a canceled run is interrupted and given
        time to clean up.
        """
        parts = self._by_profile(only) if only else {QUICK: (), **self._beyond_quick(also)}
        return joined([await self._run(defect, ids, profile) for profile, ids in parts.items()])

    def _by_profile(self, ids: Sequence[str]) -> dict[Profile, tuple[str, ...]]:
        """Give the ids by the shortest profile that has them, the shortest one first."""
        return {
            profile: of_profile
            for profile in PROFILES
            if (of_profile := tuple(one for one in ids if self._profile_of(one) == profile))
        }

    def _beyond_quick(self, ids: Sequence[str]) -> dict[Profile, tuple[str, ...]]:
        return self._by_profile([one for one in ids if self._profile_of(one) != QUICK])

    def _profile_of(self, check_id: str) -> Profile:
        return self.profiles.get(plain_id(check_id), QUICK)

    async def _run(self, defect: str | None, only: Sequence[str], profile: Profile) -> GateRun:
        """Run the gate to its end and read what it found from its `results.json`."""
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="shakedown-prove-") as folder:
            out = Path(folder) / "report"
            exit_code, printed, problem = await self._execute(
                self.command(out, only, profile), defect
            )
            seconds = time.monotonic() - began
            results = out / "results.json"
            if problem or exit_code not in (0, 1, 2) or not results.is_file():
                tail = " | ".join(printed.strip().splitlines()[-6:])
                return GateRun(
                    exit_code=exit_code,
                    checks=(),
                    failed=(),
                    seconds=seconds,
                    problem=problem or f"the gate ended with {exit_code}: {tail}",
                )
            checks = orjson.loads(results.read_bytes())["checks"]
        failed = tuple(check["id"] for check in checks if check["verdict"] == "fail")
        open_ones = [check["id"] for check in checks if check["verdict"] == "inconclusive"]
        gaps = tuple(check for check in open_ones if matches_id(check, self.allow_inconclusive))
        unjudged = [check for check in open_ones if check not in gaps]
        return GateRun(
            exit_code=exit_code,
            checks=tuple(check["id"] for check in checks),
            failed=failed,
            gaps=gaps,
            seconds=seconds,
            rules=broken_rules(checks),
            why={
                check["id"]: str(check.get("message") or "no reason given")
                for check in checks
                if check["id"] in {*failed, *unjudged}
            },
            problem=f"inconclusive: {', '.join(unjudged)}" if unjudged and not failed else "",
        )

    async def _execute(self, command: tuple[str, ...], defect: str | None) -> tuple[int, str, str]:
        environment = {**os.environ, "NO_COLOR": "1"}
        environment.pop(self.variable, None)
        if defect is not None:
            environment[self.variable] = defect
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches it once, from us, not from the terminal too
        )
        try:
            async with asyncio.timeout(self.deadline_s):
                printed, _ = await process.communicate()
        except TimeoutError:
            await _stop(process)
            return 4, "", f"the gate did not end within {self.deadline_s:.0f} s"
        except asyncio.CancelledError:
            await _stop(process)
            raise
        return process.returncode or 0, printed.decode(errors="replace"), ""


def broken_rules(checks: Iterable[Mapping[str, Any]]) -> Mapping[str, tuple[str, ...]]:
    """Give the rules that the failed checks of a `results.json` found broken, and which did.

    Of a parametrised check `id[parameter]` the plain id counts, as a check and as a rule.
    """
    found: dict[str, dict[str, None]] = {}
    for check in checks:
        if check["verdict"] == "fail":
            for finding in check["findings"]:
                found.setdefault(plain_id(finding["rule"]), {})[plain_id(check["id"])] = None
    return {rule: tuple(found[rule]) for rule in sorted(found)}


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Interrupt the run so that it cleans up after itself; kill its whole group if it does not."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_STOP_GRACE_S):
            await process.communicate()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
