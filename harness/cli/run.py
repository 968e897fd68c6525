"""`shakedown run`: the gate."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from harness.cli.after_dashes import TakesRest
from harness.cli.gate import Wanted, aim, run_gate, words_for_pytest
from harness.cli.options import driver_option, refuse_missing, split_commas, target_or_url_option
from harness.cli.run_options import (
    allow_faults_option,
    allow_inconclusive_option,
    baseline_option,
    cleanup_option,
    database_url_option,
    first_finding_option,
    out_option,
    seed_option,
)
from harness.errors import Misconfigured

if TYPE_CHECKING:
    from harness.check import Profile
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
@seed_option
@click.option(
    "-n",
    "processes",
    metavar="N",
    type=click.IntRange(1),
    default=None,
    help="Run checks in N processes (default: 3 for the whole gate on two cores or more, else 1: "
    "with --only, with checks of your own alone, and with anything after --).",
)
@out_option
@allow_inconclusive_option
@baseline_option
@first_finding_option
@allow_faults_option
@database_url_option
@cleanup_option
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
    aimed = aim(
        target,
        driver,
        allow_faults=allow_faults,
        database_url=database_url,
        cleanup=cleanup,
    )
    refuse_missing(folders)
    if only and not split_commas(only):
        raise Misconfigured(
            f"--only {only[0]!r}: expected ids or patterns; leave it out to run all checks"
        )
    wanted = Wanted(
        profile=cast("Profile", profile),
        only=split_commas(only),
        allow_inconclusive=split_commas(allow_inconclusive),
        folders=folders,
        built_in=not no_built_in,
        seed=seed,
        out=out,
        baseline=baseline,
        first_finding=first_finding,
        words=words_for_pytest(
            pytest_args,
            processes,
            # With given tokens all checks are in the same organizations.
            share=aimed.target.tokens.makes_organizations and not only and not no_built_in,
        ),
    )
    return run_gate(aimed, wanted)
