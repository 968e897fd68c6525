"""`shakedown up`: a running system, to be used by hand."""

import asyncio
import shlex
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import driver_option, load_chosen, target_option
from harness.recovery.healing import end_run
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.system import System
    from harness.target import Target
    from harness.target.bundled import Choice

_LOOK_INTERVAL_S = 0.5
_TOKENS_LAST_S = 24 * 3600


@click.command()
@target_option
@driver_option
@click.option("--instances", type=click.IntRange(1), default=None, help="How many API instances.")
@click.option("--workers", type=click.IntRange(0), default=None, help="How many workers.")
def up(
    target: Path | None,
    *,
    driver: "Choice | None",
    instances: int | None,
    workers: int | None,
) -> int:
    """Start a system and keep it running until Ctrl-C or SIGTERM.

    When it is ready, it prints what a client needs as lines for a shell: BACKEND_URL, JWT_TOKEN,
    JOB_ID, the same for two organizations (JWT_ORG_A, JOB_ID_ORG_A, …_B), DATABASE_URL.
    Everything else goes to standard error.

    \b
      shakedown up > env.sh &
      . env.sh && locust -f load/locustfile.py --host "$BACKEND_URL"
    """
    # Loaded here: `--help` does without them.
    from harness.machine.interruptible import run_interruptible
    from harness.machine.journal import Journal
    from harness.plugin.signals import Interruption
    from harness.system import launch

    loaded = load_chosen(target, driver)
    interruption = Interruption()
    system: System | None = None
    with interruption.listening():
        journal = Journal.begin()
        try:
            system = run_interruptible(
                launch(
                    loaded,
                    journal=journal,
                    on_progress=_say,
                    api_instances=instances,
                    workers=workers,
                )
            )
            _print_environment(loaded, system)
            _keep(system)
        except KeyboardInterrupt:
            interruption.note()
        finally:
            interruption.shield()
            if system is not None:
                _say("taking the system down")
                asyncio.run(system.close())
            end_run(journal)
    never_ready = system is None and interruption.exit_code
    return never_ready or ExitCode.PASS


def _print_environment(target: "Target", system: "System") -> None:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in _environment(target, system)]
    # In one piece: a script that waits for the file never reads a half of it.
    click.echo("\n".join(lines))
    for instance in (*system.api, *system.workers):
        _say(f"{instance.name:<10} {instance.base_url}  log {instance.log_path}")
    _say(f"ready in {system.bring_up_seconds:.2f} s; Ctrl-C takes it down")


def _environment(target: "Target", system: "System") -> list[tuple[str, str]]:
    from harness.machine.interruptible import run_interruptible

    return list(run_interruptible(_make_clients(target, system)).items())


async def _make_clients(target: "Target", system: "System") -> Mapping[str, str]:
    from harness.client import Organizations

    base_urls = [instance.base_url for instance in system.api]
    async with Organizations.of(target, base_urls) as organizations:
        # The system runs for longer than a run of the gate, so its tokens must last longer, too.
        if organizations.can_mint:
            lifetime_s = max(_TOKENS_LAST_S, organizations.recipe.lifetime_s)
            organizations.recipe = replace(organizations.recipe, lifetime_s=lifetime_s)
        a, b = [await organizations.new(name) for name in ("Organization A", "Organization B")]
        job_a, job_b = [await each.new_job() for each in (a, b)]
    variables = {
        "BACKEND_URL": base_urls[0],
        "JWT_TOKEN": a.tokens["member"],
        "JOB_ID": job_a["id"],
        "JWT_ORG_A": a.tokens["member"],
        "JWT_ORG_B": b.tokens["member"],
        "JOB_ID_ORG_A": job_a["id"],
        "JOB_ID_ORG_B": job_b["id"],
    }
    return variables | ({"DATABASE_URL": system.database_url} if system.database_url else {})


def _keep(system: "System") -> None:
    """Wait for an interruption; report every instance that ends before it."""
    gone: set[str] = set()
    while True:
        for instance in (*system.api, *system.workers):
            if instance.name not in gone and not system.is_alive(instance):
                gone.add(instance.name)
                _say(f"{instance.name} ended; its last log lines:\n{system.log_tail(instance)}")
        time.sleep(_LOOK_INTERVAL_S)


def _say(text: str) -> None:
    click.echo(text, err=True)
