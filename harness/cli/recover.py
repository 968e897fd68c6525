"""`shakedown recover`: removes what killed runs left behind."""

from typing import TYPE_CHECKING

import click

from harness.cli.stderr import say
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.recovery.healing import Healing


@click.command()
def recover() -> int:
    """Remove what killed runs left behind: processes, databases, directories, faults.

    Runs that are still running are left alone, so it is safe to call at any time. The exit code
    is 4 when something could not be removed.
    """
    # Loaded here: `--help` does without it.
    from harness.recovery.recover import recover as heal_all

    recovery = heal_all()
    for healing in recovery.healed:
        click.echo(f"recovered run {healing.run_id}: {_describe(healing)}")
    for run_id in recovery.alive:
        click.echo(f"left run {run_id} alone: it is still running")
    for problem in recovery.problems:
        say(f"shakedown: could not recover: {problem}")
    if not recovery.healed and not recovery.alive:
        click.echo("nothing to recover")
    return ExitCode.INTERNAL_ERROR if recovery.problems else ExitCode.PASS


def _describe(healing: "Healing") -> str:
    parts = [
        f"{verb} {', '.join(map(str, things))}"
        for verb, things in (
            ("ended", healing.ended),
            ("undid", healing.undone),
            ("removed", healing.removed),
        )
        if things
    ]
    return "; ".join(parts) or "only its journal was left"
