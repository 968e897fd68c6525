"""`shakedown run`: the gate."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from harness.cli.after_dashes import TakesRest
from harness.cli.backend_url import VARIABLE, name_backend, refuse_bare_host
from harness.cli.console import choose_reporter, own_stdout
from harness.cli.options import (
    DATABASE_VARIABLE,
    default_processes,
    driver_option,
    given_database,
    random_seed,
    read_with,
    refuse_missing,
    split_commas,
    target_or_url_option,
)
from harness.cli.pytest_words import refuse_debugger_elsewhere
from harness.cli.stderr import say
from harness.errors import Misconfigured
from harness.machine.streams import reader_is_gone
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.check import Profile
    from harness.events import Reporter
    from harness.target.bundled import Choice


class _ProfileOption(click.Option):
    """Says in `--help` what each profile adds; that is found out only when it is asked for."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from harness.cli.profile_help import describe_profiles

        self.help = describe_profiles()
        return super().get_help_record(ctx)


@click.command(
    cls=TakesRest,
    options_metavar="[OPTIONS]",
    epilog=(
        "Everything after -- goes to pytest: -k, -x, --maxfail, -s …, and --pdb without -n. "
        "Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 misconfigured, 4 internal error."
    ),
)
@click.argument("folders", nargs=-1, metavar="[FOLDER]... [-- PYTEST ARGS]")
@target_or_url_option
@driver_option
@click.option(
    "--profile",
    cls=_ProfileOption,
    type=click.Choice(["quick", "full", "soak"]),
    default="quick",
    show_default=True,
)
@click.option(
    "--only",
    metavar="PATTERN",
    multiple=True,
    help="Only checks whose id matches, such as 'claim.*'; repeat it or use commas.",
)
@click.option("--seed", type=int, default=None, help="Drives every generator (default: random).")
@click.option(
    "-n",
    "processes",
    metavar="N",
    type=click.IntRange(1),
    default=None,
    help="Run checks in N processes (default: 2 for the whole gate on two cores or more, else 1: "
    "with --only, with checks of your own alone, and with anything after --).",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=None,
    help="Where results.json, junit.xml and logs go "
    "(default: a new folder in shakedown-report/, and shakedown-report/latest).",
)
@click.option(
    "--allow-inconclusive",
    metavar="PATTERN",
    multiple=True,
    help="A known gap: these checks may be inconclusive; repeat it or use commas. A target file "
    "says the same, with a reason, in [[allow_inconclusive]].",
)
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=None,
    help="What is known: the results.json of an earlier run, or what `shakedown accept` wrote. Its "
    "findings and gaps do not count; new ones do.",
)
@click.option(
    "--first-finding",
    is_flag=True,
    help="End each check at its first finding: quicker, where only the verdicts matter.",
)
@click.option(
    "--allow-faults",
    is_flag=True,
    help="Allow faults and load on a backend that runs elsewhere: only on the hosts that its "
    "target file lists under [chaos] allowed_hosts, and only the faults that it declares.",
)
@click.option(
    "--database-url",
    metavar="URL",
    default=None,
    help="The database of a backend that runs elsewhere: adds the checks that only read it. Its "
    "role must be able to read everything and to change nothing. Every user of this machine can "
    f"read a command's arguments: put a URL with a password into {DATABASE_VARIABLE} instead.",
)
@click.option(
    "--cleanup",
    is_flag=True,
    help="Afterwards, remove what was made on a backend that runs elsewhere, as far as its API and "
    "the target file's [cleanup] allow.",
)
@click.option(
    "--no-built-in",
    is_flag=True,
    help="Leave out the checks that come with Shakedown; run those of FOLDER only, or of the "
    "current folder without one.",
)
@click.pass_obj
def run(
    pytest_args: tuple[str, ...],
    *,
    folders: tuple[str, ...],
    target: str | None,
    driver: "Choice | None",
    profile: str,
    only: tuple[str, ...],
    seed: int | None,
    processes: int | None,
    out: Path | None,
    allow_inconclusive: tuple[str, ...],
    baseline: Path | None,
    first_finding: bool,
    allow_faults: bool,
    database_url: str | None,
    cleanup: bool,
    no_built_in: bool,
) -> int:
    """Start a system, run the checks on it, give a verdict.

    FOLDER has checks of your own, in files named check_*.py. Without --target, the variables
    BACKEND_URL, JWT_TOKEN and JOB_ID name a backend that runs already; JWT_ORG_A, JWT_ORG_B,
    JOB_ID_ORG_A and JOB_ID_ORG_B add a second organization. --target URL does the same as
    BACKEND_URL.

    \b
      shakedown run                                    everything, on the reference backend
      shakedown run --driver docker                    the same in containers
      shakedown run --target shakedown.toml checks/    your backend, with your own checks added
      shakedown run --target https://staging.example   one that runs already
      shakedown run --only 'claim.*,golden.upload'     some of them
      shakedown run --baseline known.json              what is known does not count
      shakedown run -n 2 --seed 7 -- -x                two processes, stop at the first failure
    """
    # Loaded here: `--help`, and a refusal of the options above, do without all of them.
    from harness.client.tokens.given_tokens import given_users
    from harness.plugin.repeating import variables_that_matter
    from harness.plugin.session.run import Run
    from harness.plugin.settings import RunSettings
    from harness.ratchet.baseline import NOTHING_KNOWN, read_baseline
    from harness.reports.coverage_md import CoverageMarkdown
    from harness.reports.directory import open_report_directory
    from harness.reports.junit import JunitXml
    from harness.reports.results_json import ResultsJson
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
    refuse_missing(folders)
    if only and not split_commas(only):
        raise Misconfigured(
            f"--only {only[0]!r}: expected ids or patterns; leave it out to run all checks"
        )
    words = _words_for_pytest(
        pytest_args,
        processes,
        may_share=loaded.tokens.makes_organizations,
        some=bool(only) or no_built_in,
    )
    known = NOTHING_KNOWN if baseline is None else read_baseline(baseline)
    started_at = datetime.now(UTC)
    seed = random_seed() if seed is None else seed
    directory = open_report_directory(out, seed=seed, now=started_at)
    report_path = directory.path
    settings = RunSettings(
        seed=seed,
        report_path=report_path,
        target_path=file,
        target_url=url,
        driver=driver,
        variables=variables_that_matter(
            loaded,
            but=[VARIABLE] if url else [],
            secret=[DATABASE_VARIABLE] if database is not None else [],
        ),
        profile=cast("Profile", profile),
        only=split_commas(only),
        allow_inconclusive=(
            *split_commas(allow_inconclusive),
            *(gap.check for gap in loaded.allow_inconclusive),
        ),
        folders=folders,
        built_in=not no_built_in,
        first_finding=first_finding,
        allow_faults=allow_faults,
        cleanup=cleanup,
    )
    stream = own_stdout()
    shown = choose_reporter(stream, environment=os.environ, pytest_args=words)
    reporters: list[Reporter] = [
        ResultsJson(report_path),
        JunitXml(report_path),
        CoverageMarkdown(report_path),
        shown,
    ]
    summary = Run(
        settings=settings,
        target=loaded,
        reporters=reporters,
        started_at=started_at,
        baseline=known,
        pytest_args=words,
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
    if loaded.driver == "external":
        try:
            _report_leftovers(report_path, summary.run_id)
        except OSError as error:  # the exit code is written down already
            click.echo(f"shakedown: cannot read what the run made: {error}", err=True)
    return summary.exit_code


def _words_for_pytest(
    given: tuple[str, ...], processes: int | None, *, may_share: bool, some: bool
) -> list[str]:
    """Give the words for pytest, with the number of processes: more than one for the whole gate.

    Where they `may_share` a backend: with given tokens all checks are in the same organizations.
    """
    if processes is None and may_share and not some and not given:
        processes = default_processes()
    words = [*(["-n", str(processes)] if (processes or 1) > 1 else []), *given]
    refuse_debugger_elsewhere(words)
    return words


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
