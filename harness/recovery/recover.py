"""`shakedown recover`: healing after runs whose harness was killed."""

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.directories import run_dirs
from harness.machine.journal import read_entries, read_owner
from harness.recovery.healing import Healing, heal

_BEGINNING_S = 60


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What `recover` found and did."""

    healed: tuple[Healing, ...] = ()
    alive: tuple[str, ...] = ()
    """Ids of runs that still go on; they were left alone."""
    problems: tuple[str, ...] = field(default=())
    """What could not be healed, over all runs."""


def recover(bases: Sequence[Path] | None = None) -> Recovery:
    """Heal every run of ours whose harness is dead; safe to call at any time.

    `bases` are the directories to look for runs in, by default the temp dirs and, by their labels,
    the container engine; only runs of the calling user are touched. Blocks until it is done.
    Raises only `Misconfigured`, if there is no temp dir to look into.
    """
    healed: list[Healing] = []
    alive: list[str] = []
    for run_dir in run_dirs(bases):
        run_id = _run_id(run_dir)
        owner = read_owner(run_dir)
        try:
            if owner.is_alive() if owner else _is_young(run_dir):
                alive.append(run_id)
                continue
            entries = list(read_entries(run_dir).values())
        except FileNotFoundError:
            continue  # its own harness, or another `recover`, has removed it
        healed.append(heal(run_id, run_dir, entries))
    if bases is None:
        _look_into_engine(healed, alive)
    problems = tuple(problem for healing in healed for problem in healing.problems)
    return Recovery(healed=tuple(healed), alive=tuple(alive), problems=problems)


def _look_into_engine(healed: list[Healing], alive: list[str]) -> None:
    """Heal runs of which nothing is left but what their labels mark in the container engine."""
    # Loaded here: everything before does without it.
    from harness.containers.engine import Engine  # noqa: PLC0415
    from harness.containers.leftovers import remove_run, runs_in  # noqa: PLC0415

    known = {healing.run_id for healing in healed} | set(alive)
    try:
        engine = Engine.connect()
    except Misconfigured:
        return  # no engine, no containers; a run that had some names it in its journal
    with contextlib.closing(engine):
        for run_id, is_over in runs_in(engine, os.geteuid()).items():
            if run_id in known:
                continue
            if is_over:
                removal = remove_run(engine, run_id)
                healed.append(
                    Healing(run_id=run_id, removed=[*removal.removed], problems=removal.problems)
                )
            else:
                alive.append(run_id)


def _is_young(run_dir: Path) -> bool:
    """Say whether a run without an owner in its journal may have begun just now."""
    return time.time() - run_dir.stat().st_mtime < _BEGINNING_S


def _run_id(run_dir: Path) -> str:
    return run_dir.name.partition("-")[2]
