"""`shakedown up`: a running system, to be used by hand."""

import asyncio
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.after_dashes import TakesRest
from harness.cli.options import driver_option, load_chosen, target_option
from harness.cli.stderr import say
from harness.errors import CheckFailed, Inconclusive
from harness.recovery.healing import end_run
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.system import System
    from harness.target.bundled import Choice

_LOOK_INTERVAL_S = 0.5
_TOKENS_LAST_S = 24 * 3600


@click.command(
    cls=TakesRest,
    options_metavar="[OPTIONS] [-- COMMAND...]",
    epilog=(
        "Exit codes: that of COMMAND; without one 0 after Ctrl-C; 3 misconfigured, 4 internal "
        "error, 128 + signal when interrupted before the system was ready."
    ),
)
@target_option
@driver_option
@click.option("--instances", type=click.IntRange(1), default=None, help="How many API instances.")
@click.option("--workers", type=click.IntRange(0), default=None, help="How many workers.")
@click.option(
    "--env-file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write the lines for a shell to FILE when the system is ready, and remove it at the end.",
)
@click.pass_obj
def up(
    command: tuple[str, ...],
    *,
    target: Path | None,
    driver: "Choice | None",
    instances: int | None,
    workers: int | None,
    env_file: Path | None,
) -> int:
    """Start a system and keep it running until Ctrl-C or SIGTERM, or until COMMAND has ended.

    COMMAND runs when the system is ready, with what a client needs in its environment:
    BACKEND_URL, JWT_TOKEN, JOB_ID, the same for two organizations (JWT_ORG_A, JOB_ID_ORG_A, …_B),
    DATABASE_URL. Without COMMAND and --env-file they are printed as lines for a shell.
    All that is said of the system goes to standard error.

    \b
      shakedown up -- pytest tests/     your own tests, with BACKEND_URL set
      shakedown up -- sh -c 'curl "$BACKEND_URL/readyz"'
      shakedown up --env-file env.sh    in a second shell, once ready: . ./env.sh
    """
    # Loaded here: `--help` does without them.
    from harness.cli.env_file import EnvFile
    from harness.cli.inner_command import InnerCommand, refuse_unknown
    from harness.machine.interruptible import run_interruptible
    from harness.machine.journal import Journal
    from harness.plugin.session.signals import Interruption
    from harness.system import launch

    loaded = load_chosen(target, driver)
    if command:
        refuse_unknown(command)
    file = EnvFile(env_file) if env_file else None
    interruption = Interruption()
    system: System | None = None
    inner: InnerCommand | None = None
    inner_code = 0
    with interruption.listening():
        journal = Journal.begin()
        try:
            system = run_interruptible(
                launch(
                    loaded,
                    journal=journal,
                    on_progress=say,
                    api_instances=instances,
                    workers=workers,
                )
            )
            variables = _clients(system)
            if file is not None:
                file.write(variables)
            _report_ready(system, variables, env_file, quiet=bool(command))
            look = _watch(system)
            if command:
                with interruption.deferred():
                    inner = InnerCommand(command, variables, journal)
                inner.wait(look)
            else:
                _keep(look)
        except KeyboardInterrupt:
            interruption.note()
        finally:
            interruption.shield()
            if inner is not None:
                inner_code = inner.end(interruption.signal)
            if file is not None:
                file.remove()
            if system is not None:
                say("taking the system down")
                asyncio.run(system.close())
            end_run(journal)
    never_begun = interruption.exit_code if system is None or (command and not inner) else None
    return never_begun or inner_code or ExitCode.PASS


def _report_ready(
    system: "System", variables: Mapping[str, str], env_file: Path | None, *, quiet: bool
) -> None:
    from harness.cli.env_file import export_lines

    if env_file is None and not quiet:
        # In one piece: a script that waits for it never reads a half of it.
        click.echo("\n".join(export_lines(variables)))
    for instance in (*system.api, *system.workers):
        say(f"{instance.name:<10} {instance.base_url}  log {instance.log_path}")
    if env_file is not None:
        say(f"in a second shell: . {shlex.quote(str(env_file.absolute()))}")
    if not quiet:
        say(f"load on it, there: {_locust()}")
    end = "the end of the command" if quiet else "Ctrl-C"
    say(f"ready in {system.bring_up_seconds:.2f} s; {end} takes it down")


def _locust() -> str:
    """Give the command line that puts load on the system by the users that Shakedown has."""
    spec = find_spec("load")
    (folder,) = (spec.submodule_search_locations if spec else None) or ("load",)
    beside = Path(sys.executable).with_name("locust")
    program = "locust" if shutil.which("locust") or not beside.exists() else str(beside)
    words = [program, "-f", str(Path(folder) / "locustfile.py")]
    return f'{shlex.join(words)} --host "$BACKEND_URL"'


def _clients(system: "System") -> Mapping[str, str]:
    """Make what a client needs; where the backend refuses it, its last log lines say why."""
    from harness.machine.interruptible import run_interruptible

    try:
        return run_interruptible(_make_clients(system))
    except (CheckFailed, Inconclusive):
        for instance in system.api:
            if tail := system.log_tail(instance):
                say(f"{instance.name}; its last log lines:\n{tail}")
        raise


async def _make_clients(system: "System") -> Mapping[str, str]:
    from harness.client import Organizations

    base_urls = [instance.base_url for instance in system.api]
    async with Organizations.of(
        system.target, base_urls, control_url=system.control_url
    ) as organizations:
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


def _watch(system: "System") -> Callable[[], None]:
    """Give what reports, each time it is called, every instance that has ended since."""
    from harness.redaction.redactor import Redactor

    gone: set[str] = set()

    def look() -> None:
        for instance in (*system.api, *system.workers):
            if instance.name not in gone and not system.is_alive(instance):
                gone.add(instance.name)
                last = Redactor(system.secrets)(system.log_tail(instance))
                say(f"{instance.name} ended; its last log lines:\n{last}")

    return look


def _keep(look: Callable[[], None]) -> None:
    """Wait for an interruption."""
    while True:
        look()
        time.sleep(_LOOK_INTERVAL_S)
