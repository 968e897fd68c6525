"""`shakedown doctor`: the way of a first run, step by step."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.backend_url import name_backend, refuse_bare_host
from harness.cli.options import (
    DATABASE_VARIABLE,
    given_database,
    make_folder,
    read_with,
    target_or_url_option,
)
from harness.cli.stderr import say
from harness.errors import Misconfigured
from harness.recovery.healing import end_run
from harness.untrusted.sanitizing import sanitize
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.doctor.step import Step
    from harness.machine.journal import Journal
    from harness.system import System
    from harness.target import Target

_MARKS = {"holds": "✔", "does not hold": "✘", "not looked at": "·"}
_PLAIN = {"holds": "ok", "does not hold": "NO", "not looked at": "--"}


@click.command(
    epilog="Exit codes: 0 every step passed, 1 one failed, 3 misconfigured, 4 internal error, "
    "128 + signal when interrupted."
)
@target_or_url_option
@click.option(
    "--database-url",
    metavar="URL",
    default=None,
    help="The database of a backend that runs elsewhere, read by a role that changes nothing. "
    f"Put a URL with a password into {DATABASE_VARIABLE} instead.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("shakedown-doctor"),
    show_default=True,
    help="Where created.jsonl goes, the list of what was made on a backend that runs elsewhere, "
    "and bodies that are too long to show.",
)
@click.option(
    "--cleanup",
    is_flag=True,
    help="On a backend that runs elsewhere, remove in the end what was made, as far as its API and "
    "the target file's [cleanup] allow.",
)
def doctor(*, target: str | None, database_url: str | None, out: Path, cleanup: bool) -> int:
    """Walk the way of a first run, and say where it does not go on: what was sent, what was
    answered, and the lines to write into the target file.

    Reach, ready, token and its end, create a job, upload, request an export, poll, download, read
    the ledger; then the database: the role that reads it, its tables and columns. It stops
    nowhere that it can go on. It makes a job, a file and an export; it writes to no database, and
    speaks to no host that the target does not name.

    \b
      shakedown doctor --target shakedown.toml
      shakedown doctor --target https://staging.example
    """
    # Loaded here: `--help` does without them.
    from harness.machine.interruptible import run_interruptible
    from harness.machine.journal import Journal
    from harness.plugin.session.signals import Interruption
    from harness.target import load_target
    from harness.target.bundled import choose_target

    url = target if target and "://" in target else None
    if url is not None:
        name_backend(url)
    elif target:
        refuse_bare_host(target)
    loaded = load_target(choose_target(Path(target) if target and not url else None, None))
    if (database := given_database(database_url)) is not None:
        loaded = read_with(loaded, database)
    if loaded.driver == "external":
        make_folder(out)
    elif cleanup:
        raise Misconfigured(
            f'--cleanup is for driver = "external"; driver = "{loaded.driver}" removes all that it '
            "starts; omit --cleanup"
        )
    interruption = Interruption()
    steps: list[Step] = []
    with interruption.listening():
        journal = Journal.begin()
        try:
            run_interruptible(_walk(loaded, journal, out, steps, cleanup=cleanup))
        except KeyboardInterrupt:
            interruption.note()
        finally:
            interruption.shield()
            end_run(journal)
    return interruption.exit_code or _conclude(steps, target)


async def _walk(
    target: "Target", journal: "Journal", out: Path, steps: list["Step"], *, cleanup: bool
) -> None:
    async for step in _steps(target, journal, out, cleanup=cleanup):
        steps.append(step)
        _print(step, _tables_in(target.file))


async def _steps(
    target: "Target", journal: "Journal", out: Path, *, cleanup: bool
) -> AsyncIterator["Step"]:
    from harness.doctor.reach import reach
    from harness.doctor.schema import look_at_database
    from harness.doctor.step import Step
    from harness.system import launch
    from harness.target.values.libpq_variables import SESSION, set_aside

    if target.driver == "external":
        set_aside(SESSION)
        reached = False
        async for step in reach(target):
            reached = reached or (step.how == "holds" and step.name != "ready")
            yield step
        if reached:
            urls = target.api.base_urls
            async for step in _requests(target, urls, journal, out, cleanup=cleanup):
                yield step
        url = target.database.url.get_secret_value() if target.database.url else None
        async for step in look_at_database(target, url, is_ours=False):
            yield step
        return
    system: System | None = None
    try:
        system = await launch(target, journal=journal, on_progress=say)
    except Misconfigured as problem:
        first, *rest = str(problem).splitlines()
        yield Step(name="start", how="does not hold", seen=first, log="\n".join(rest))
        return
    try:
        count = f"{len(system.api)} API + {len(system.workers)} workers"
        yield Step(name="start", how="holds", seen=f"{count} in {system.bring_up_seconds:.1f} s")
        ours = [instance.base_url for instance in system.api]
        async for step in _requests(system.target, ours, journal, out, system.control_url):
            yield step
        async for step in look_at_database(system.target, system.readonly_url, is_ours=True):
            yield step
    finally:
        await system.close()


async def _requests(
    target: "Target",
    base_urls: Sequence[str],
    journal: "Journal",
    out: Path,
    control_url: str | None = None,
    *,
    cleanup: bool = False,
) -> AsyncIterator["Step"]:
    from harness.client import Organizations
    from harness.client.run_mark import RunMark, read_leftovers
    from harness.client.tokens.given_tokens import given_users
    from harness.doctor.cleaning import of_leftovers
    from harness.doctor.walk import Walk
    from harness.findings.curl import EvidenceFiles
    from harness.redaction.redactor import Redactor
    from harness.reports.directory import CREATED

    redact = Redactor(target.secrets)
    is_shared = target.driver == "external"
    made = out / CREATED
    mark = RunMark(journal.run_id, made, cleanup=cleanup, redact=redact) if is_shared else None
    learn = redact.add_issued_tokens
    # Whose organization nothing says is walked with all the same: answers show it.
    given = given_users(target, may_be_unknown=True)
    async with Organizations.of(
        target, base_urls, mark, learn, control_url, given
    ) as organizations:
        files = EvidenceFiles(out / "doctor", redact)
        walk = Walk(target=target, organizations=organizations, files=files)
        async for step in walk.steps():
            yield step
    if cleanup:
        yield of_leftovers(read_leftovers(made, journal.run_id))


def _tables_in(file: Path | None) -> dict[str, int]:
    """The tables that the target file has a header of, each with its line."""
    text = file.read_text(encoding="utf-8") if file else ""
    return {line.strip(): number for number, line in enumerate(text.splitlines(), 1)}


def _print(step: "Step", there: Mapping[str, int]) -> None:
    can_draw = "utf" in (sys.stdout.encoding or "").lower()
    mark = (_MARKS if can_draw else _PLAIN)[step.how]
    click.echo(sanitize(f"{mark} {step.name:<26} {step.seen}"))
    for label, text in (("request", step.request), ("log", step.log), ("hint", step.hint)):
        for number, line in enumerate(text.splitlines()):
            click.echo(sanitize(f"    {label if number == 0 else '':<8} {line}"))
    for number, bare in enumerate(step.lines):
        at = there.get(bare) if bare.startswith("[") else None
        line = f"{bare} # line {at}" if at else bare
        click.echo(sanitize(f"    {'write' if number == 0 else '':<8} {line}"))


def _conclude(steps: "list[Step]", given: str | None) -> int:
    broken = [step for step in steps if step.how == "does not hold"]
    option = f" --target {given}" if given else ""
    click.echo("")
    if broken:
        names = ", ".join(step.name for step in broken)
        file = given if given and "://" not in given else "a target file"
        click.echo(f"{len(broken)} of {len(steps)} steps failed: {names}")
        if given is None or "://" in given:
            click.echo("next: shakedown init --help says how to write a first target file")
        else:
            do = "write the lines into" if any(step.lines for step in broken) else "mend"
            click.echo(f"next: {do} {file}, then shakedown doctor{option}")
        return ExitCode.FAIL
    click.echo(f"every step that could be checked passed; next: shakedown run{option}")
    return ExitCode.PASS
