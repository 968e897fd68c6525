"""A tally of clean runs that grows: `python -m benchmarks.clean_runs [--runs N] [--target T]… [--drill NAME]… [--stress]`.

Every drill is run on a backend without a defect until it has N judged runs under that load, one drill at a time, each round with a
new seed. What it says is counted in `benchmarks/clean_runs.json` after each round, so a run that was interrupted goes on where it
ended. An entry is kept under a digest of the drill's code (its file, and all modules of ours that it imports, without comments and
docstrings) and of the backend's, and dropped as soon as one of the two has changed. In the end the table is printed, with what was
never tallied as it is now; `--runs 0` prints it alone.

Ends with 1 when a run failed: that is a false alarm, or a wrong backend. Its report is in shakedown-report/clean-runs.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click
import psutil

from benchmarks.clean.code_digest import backend_digest, drill_digest
from benchmarks.clean.stress import busy_cores
from benchmarks.clean.tally import Counted, Key, Load, Ran, Tally, kept, parse, table
from harness.check import CheckSpec, matches_id
from harness.errors import Misconfigured
from harness.plugin.extent.offers import offer_of
from harness.plugin.session.drills import drill_files, patterns_of
from harness.target import load_target
from harness.target.load import DEFAULT_TARGET
from harness.verdict import ExitCode, Verdict

ROOT = Path(__file__).parents[1]
FILE = ROOT / "benchmarks" / "clean_runs.json"
REPORTS = ROOT / "shakedown-report" / "clean-runs"

TARGETS: Mapping[str, str | None] = {
    "reference": None,
    **{name: f"tests/foreign/{name}/shakedown.toml" for name in ("node", "flask", "fieldwork")},
}
"""The target files of the backends in this repository; None is the one that the harness runs by itself."""

BESIDES_S = 120
"""What bring-up and tear-down of a round may take, beside the budgets of its drills."""

JUDGED = (ExitCode.PASS, ExitCode.FAIL, ExitCode.INCONCLUSIVE)

END_S = 60
"""How long an interrupted round has to take everything down."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A drill, and a target that offers it."""

    key: Key
    spec: CheckSpec
    file: Path
    """Where the drill is."""

    @property
    def is_as_it_was(self) -> bool:
        """Whether drill and backend are still what the key says."""
        codes = (drill_digest(ROOT, self.file), _backend_digest(self.key.target))
        return codes == (self.key.drill_code, self.key.backend_code)


def pairs(targets: Sequence[str]) -> tuple[list[Pair], list[str]]:
    """Give every drill with each target that offers it, and a line for each that is not offered."""
    files = {spec.id: (spec, file) for spec, file in drill_files(())}
    codes = {name: drill_digest(ROOT, file) for name, (_, file) in files.items()}
    found, left_out = [], []
    for target in targets:
        loaded = load_target(_target_file(target))
        backend = _backend_digest(target)
        for name, (spec, file) in files.items():
            offer = offer_of(spec, loaded)
            if offer.is_offered:
                key = Key(target=target, drill=name, drill_code=codes[name], backend_code=backend)
                found.append(Pair(key=key, spec=spec, file=file))
            else:
                lacking = ", ".join(lack.what for lack in offer.lacks)
                left_out.append(f"{name} on {target}: not offered, needs {lacking}")
    return found, left_out


def _target_file(target: str) -> Path | None:
    file = TARGETS.get(target, target)
    return ROOT / file if file else None


def _backend_digest(target: str) -> str:
    file = _target_file(target)
    return (
        backend_digest(file.parent, file)
        if file
        else backend_digest(ROOT / "reference_backend", DEFAULT_TARGET)
    )


def one_round(target: str, due: Sequence[Pair], load: Load) -> Iterator[tuple[Key, Ran]]:
    """Run these drills once, one after the other, and give what each of them said.

    Raises `Misconfigured` when the run could not judge, `KeyboardInterrupt` when it was interrupted; what had been judged by then is given
    first.
    """
    seed = random.SystemRandom().randrange(2**32)
    out = REPORTS / str(seed)
    shutil.rmtree(out, ignore_errors=True)
    busy = psutil.cpu_percent(interval=1)
    limit_s = BESIDES_S + sum(pair.spec.deadline_s for pair in due)
    with busy_cores(limit_s) if load == "stressed" else contextlib.nullcontext():
        code, printed, interrupted = _run(_command(target, due, seed, out), limit_s)
    if changed := [pair.key.drill for pair in due if not pair.is_as_it_was]:
        raise Misconfigured(
            f"the code of {', '.join(changed)}, or of {target}, changed during the round, which is not counted: start again"
        )
    results = out / "results.json"
    rows: list[dict[str, Any]] = (
        json.loads(results.read_text(encoding="utf-8"))["checks"] if results.is_file() else []
    )
    keys = {pair.key.drill: pair.key for pair in due}
    verdicts = set()
    for row in rows:
        # Of a run that was stopped, what is inconclusive may only not have been done.
        if code in JUDGED or row["verdict"] != "inconclusive":
            verdicts.add(row["verdict"])
            yield (
                keys[row["id"]],
                Ran(
                    load=load, verdict=row["verdict"], seconds=row["seconds"], seed=seed,
                    why=row["message"] or "", busy=busy,
                ),
            )  # fmt: skip
    if verdicts <= {Verdict.PASS} and (code in JUDGED or interrupted):
        shutil.rmtree(out, ignore_errors=True)
    if interrupted:
        raise KeyboardInterrupt
    if code not in JUDGED:
        raise Misconfigured(f"the round ended with {code}; its report is in {out}\n{printed}")


def _command(target: str, due: Sequence[Pair], seed: int, out: Path) -> list[str]:
    file = _target_file(target)
    aimed = ["--target", str(file)] if file else []
    names = [pair.key.drill for pair in due]
    return [
        *(sys.executable, "-m", "harness", "drill", *names, *aimed),
        *("-n", "1", "--seed", str(seed), "--out", str(out)),
    ]


def _run(command: Sequence[str], limit_s: float) -> tuple[int, str, bool]:
    """Run a command to its end; give its exit code, its last lines, and whether we were interrupted meanwhile."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_DEFECT")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=clean | {"NO_COLOR": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,  # Ctrl-C reaches it once, from us
    )  # fmt: skip
    interrupted = False
    try:
        printed, _ = process.communicate(timeout=limit_s)
    except (KeyboardInterrupt, subprocess.TimeoutExpired) as why:
        interrupted = isinstance(why, KeyboardInterrupt)
        process.send_signal(signal.SIGINT)
        try:
            printed, _ = process.communicate(timeout=END_S)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGKILL)
            printed, _ = process.communicate()
    return process.returncode, "\n".join(printed.splitlines()[-8:]), interrupted


def tally_all(chosen: Sequence[Pair], living: Sequence[Key], load: Load, runs: int) -> None:
    """Run rounds until each has so many judged runs; what is counted already is not run again."""
    for target in dict.fromkeys(pair.key.target for pair in chosen):
        of_target = [pair for pair in chosen if pair.key.target == target]
        while due := [pair for pair in of_target if read().runs(pair.key, load) < runs]:
            judged = 0
            with kept(FILE, living) as added:
                for key, ran in one_round(target, due, load):
                    judged += 1
                    added.append((key, ran))
                    said = "" if ran.verdict == "pass" else f"  {ran.why.partition(chr(10))[0]}"
                    print(
                        f"{target:10} {load:8} {key.drill:28} {ran.verdict:12} {ran.seconds:5.1f} s  seed {ran.seed}{said}",
                        flush=True,
                    )
            if not judged:
                raise Misconfigured(f"a round on {target} judged nothing: see {REPORTS}")


def read() -> Tally:
    """Read the file as it is now."""
    return parse(FILE.read_text(encoding="utf-8")) if FILE.is_file() else Tally()


@click.command(help=__doc__)
@click.option("--runs", default=20, show_default=True, type=click.IntRange(0), metavar="N")
@click.option(
    "--target", "targets", multiple=True, default=("reference",), show_default=True,
    help=f"{', '.join(TARGETS)}, or a target file; may be repeated.",
)  # fmt: skip
@click.option("--drill", "names", multiple=True, help="A drill or a pattern (default: all).")
@click.option("--stress", is_flag=True, help="Keep all cores busy meanwhile; counted apart.")
def main(targets: tuple[str, ...], names: tuple[str, ...], *, runs: int, stress: bool) -> None:
    """Run what is due, and print the table."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    os.chdir(ROOT)
    load: Load = "stressed" if stress else "idle"
    known = tuple(dict.fromkeys([*TARGETS, *targets, *(key.target for key in read().entries)]))
    try:
        all_pairs, left_out = pairs([one for one in known if _is_there(one)])
        only = patterns_of(names or ("*",), [pair.spec for pair in all_pairs])
        chosen = [
            pair
            for pair in all_pairs
            if pair.key.target in targets and matches_id(pair.key.drill, only)
        ]
        living = [pair.key for pair in all_pairs]
        tally_all(chosen, living, load, runs)
    except Misconfigured as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    print(f"\n{table(read(), living)}")
    print("\n".join(left_out))
    counted = [read().living(living).entries[key] for key in living if key in read().entries]
    raise SystemExit(1 if any(_failed(entry.idle, entry.stressed) for entry in counted) else 0)


def _is_there(target: str) -> bool:
    file = _target_file(target)
    return file is None or file.is_file()


def _failed(*counted: Counted) -> bool:
    return any(each.failed for each in counted)


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
