"""What `run` and `drill` have in common: the backend they aim at, and a run of checks on it."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.backend_url import VARIABLE, name_backend, refuse_bare_host
from harness.cli.console import choose_reporter, own_stdout
from harness.cli.options import (
    DATABASE_VARIABLE,
    default_processes,
    given_database,
    random_seed,
    read_with,
)
from harness.cli.pytest_words import refuse_debugger_elsewhere
from harness.cli.stderr import say
from harness.errors import Misconfigured
from harness.machine.streams import reader_is_gone
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.check import Profile
    from harness.events import Reporter
    from harness.target import Target
    from harness.target.bundled import Choice


@dataclass(frozen=True, kw_only=True)
class Aimed:
    """The backend that a command line names, and what it permits there."""

    target: "Target"
    file: Path | None
    url: str | None
    """Where it runs, if the command line says that."""
    driver: "Choice | None"
    database_given: bool
    """Whether a database was named beside the target file."""
    allow_faults: bool
    cleanup: bool


def aim(
    target: str | None,
    driver: "Choice | None",
    *,
    allow_faults: bool,
    database_url: str | None,
    cleanup: bool,
) -> Aimed:
    """Load the target that `--target`, `--driver` and the variables name.

    Raises `Misconfigured` where they cannot be meant together, or the file has a mistake.
    """
    # Loaded here: `--help` does without all of them.
    from harness.client.tokens.given_tokens import given_users
    from harness.target import load_target
    from harness.target.bundled import choose_target, refuse_contradiction

    url = target if target and "://" in target else None
    if url is not None:
        name_backend(url)
    elif target:
        refuse_bare_host(target)
    file = choose_target(Path(target) if target and not url else None, None if url else driver)
    loaded = load_target(file, allow_faults=allow_faults)
    refuse_contradiction(loaded, driver)
    if (database := given_database(database_url)) is not None:
        loaded = read_with(loaded, database)
    given_users(loaded)  # refuses tokens without a user, and two of the same organization
    if cleanup and loaded.driver != "external":
        raise Misconfigured(
            f'--cleanup is for driver = "external"; driver = "{loaded.driver}" removes all that it '
            "starts after every run; omit --cleanup"
        )
    return Aimed(
        target=loaded,
        file=file,
        url=url,
        driver=driver,
        database_given=database is not None,
        allow_faults=allow_faults,
        cleanup=cleanup,
    )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which checks to run, and how."""

    profile: "Profile"
    only: tuple[str, ...] = ()
    """Patterns over check ids; empty means every check of the profile."""
    allow_inconclusive: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    built_in: bool = True
    seed: int | None = None
    out: Path | None = None
    baseline: Path | None = None
    first_finding: bool = False
    words: list[str]
    """For pytest."""


def words_for_pytest(given: tuple[str, ...], processes: int | None, *, share: bool) -> list[str]:
    """Give the words for pytest, with the number of processes.

    Where it was not asked for: more than one only if checks may `share` the work.
    """
    if processes is None and share and not given:
        processes = default_processes()
    words = [*(["-n", str(processes)] if (processes or 1) > 1 else []), *given]
    refuse_debugger_elsewhere(words)
    return words


def run_gate(aimed: Aimed, wanted: Wanted) -> int:
    """Run the checks that are wanted, show and write the reports, and give the exit code."""
    # Loaded here: `--help`, and a refusal of the options above, do without all of them.
    from harness.plugin.repeating import variables_that_matter
    from harness.plugin.session.run import Run
    from harness.plugin.settings import RunSettings
    from harness.ratchet.baseline import NOTHING_KNOWN, read_baseline
    from harness.reports.coverage_md import CoverageMarkdown
    from harness.reports.directory import open_report_directory
    from harness.reports.junit import JunitXml
    from harness.reports.results_json import ResultsJson

    target = aimed.target
    known = NOTHING_KNOWN if wanted.baseline is None else read_baseline(wanted.baseline)
    started_at = datetime.now(UTC)
    seed = random_seed() if wanted.seed is None else wanted.seed
    directory = open_report_directory(wanted.out, seed=seed, now=started_at)
    report_path = directory.path
    settings = RunSettings(
        seed=seed,
        report_path=report_path,
        target_path=aimed.file,
        target_url=aimed.url,
        driver=aimed.driver,
        variables=variables_that_matter(
            target,
            but=[VARIABLE] if aimed.url else [],
            secret=[DATABASE_VARIABLE] if aimed.database_given else [],
        ),
        profile=wanted.profile,
        only=wanted.only,
        allow_inconclusive=(
            *wanted.allow_inconclusive,
            *(gap.check for gap in target.allow_inconclusive),
        ),
        folders=wanted.folders,
        built_in=wanted.built_in,
        first_finding=wanted.first_finding,
        allow_faults=aimed.allow_faults,
        cleanup=aimed.cleanup,
    )
    stream = own_stdout()
    shown = choose_reporter(stream, environment=os.environ, pytest_args=wanted.words)
    reporters: list[Reporter] = [
        ResultsJson(report_path),
        JunitXml(report_path),
        CoverageMarkdown(report_path),
        shown,
    ]
    summary = Run(
        settings=settings,
        target=target,
        reporters=reporters,
        started_at=started_at,
        baseline=known,
        pytest_args=wanted.words,
    ).execute()
    if stream.lost and not reader_is_gone(stream.lost):
        click.echo(
            f"shakedown: standard output cannot be written ({stream.lost.strerror}); "
            f"the run is in {report_path}",
            err=True,
        )
    directory.conclude(summary.exit_code)
    if summary.exit_code in (ExitCode.MISCONFIGURED, ExitCode.INTERNAL_ERROR):
        say(f"shakedown: {summary.error}")
    if target.driver == "external":
        try:
            _report_leftovers(report_path, summary.run_id)
        except OSError as error:  # the exit code is written down already
            click.echo(f"shakedown: cannot read what the run made: {error}", err=True)
    return summary.exit_code


def _report_leftovers(report_path: Path, run_id: str) -> None:
    """Say what the run made on a system that others use too, and what is still there."""
    from harness.client.run_mark import read_leftovers
    from harness.reports.directory import CREATED

    leftovers = read_leftovers(report_path / CREATED, run_id)
    if leftovers.made:
        click.echo(
            f"shakedown: run {run_id} made {leftovers.made} things on the backend, removed "
            f"{leftovers.removed} and left {len(leftovers.left)}: {report_path / CREATED}",
            err=True,
        )
