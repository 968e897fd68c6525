"""`shakedown drill`: a system is harmed on purpose, and what became of its exports is judged."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
from harness.cli.stderr import say
from harness.errors import Misconfigured
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.plugin.extent.offers import Offer
    from harness.target.bundled import Choice

ALL = "all"


@click.command(
    cls=TakesRest,
    options_metavar="[OPTIONS]",
    short_help="harm a system on purpose, and judge what became of its exports",
    epilog=(
        "Everything after -- goes to pytest. Exit codes: 0 every drill passed, 1 one failed, "
        "2 inconclusive, also where the target does not offer what was asked for, "
        "3 misconfigured, 4 internal error, 128 + signal when interrupted."
    ),
)
@click.argument("names", nargs=-1, metavar="NAME... | all | --list [-- PYTEST ARGS]")
@target_or_url_option
@driver_option
@click.option(
    "--list",
    "only_list",
    is_flag=True,
    help="List the drills: profile, budget in seconds, whether this target offers it, and the "
    "line to write where it does not. Runs nothing.",
)
@click.option(
    "--checks",
    "folders",
    metavar="FOLDER",
    multiple=True,
    help="Look also for drills of your own in this folder, checks whose id begins with 'chaos.'; "
    "may be repeated.",
)
@seed_option
@click.option(
    "-n",
    "processes",
    metavar="N",
    type=click.IntRange(1),
    default=None,
    help="Run N drills side by side (default: 3 on two cores or more, where each drill has a "
    "system of its own; else 1, and with anything after --).",
)
@out_option
@allow_inconclusive_option
@baseline_option
@first_finding_option
@allow_faults_option
@database_url_option
@cleanup_option
@click.pass_obj
def drill(
    pytest_args: tuple[str, ...],
    *,
    names: tuple[str, ...],
    target: str | None,
    driver: "Choice | None",
    only_list: bool,
    folders: tuple[str, ...],
    seed: int | None,
    processes: int | None,
    out: Path | None,
    allow_inconclusive: tuple[str, ...],
    baseline: Path | None,
    first_finding: bool,
    allow_faults: bool,
    database_url: str | None,
    cleanup: bool,
) -> int:
    """Run chaos drills: harm a system on purpose, and judge what became of its exports.

    NAME is a drill, with or without its family: worker-kill or chaos.worker-kill; or a pattern,
    as in `shakedown run --only`. `all` means every drill that the target offers, whatever its
    profile. A drill that is named and not offered is inconclusive.

    A drill brings up a system of its own, lets exports run, injects faults, and proves that each
    took hold. In the end every accepted export must be done once, with an intact download. What
    was not seen to happen is inconclusive, never a pass.

    \b
      shakedown drill --list                           what there is, and what it takes
      shakedown drill all                              every drill, on the reference backend
      shakedown drill all --target shakedown.toml      every drill that your backend offers
      shakedown drill worker-kill --seed 7             one, the same as before
      shakedown drill 'worker-*' drain -n 1            some, one after the other
      shakedown drill staging-fault --target staging.toml --allow-faults
    """
    from harness.check import matches_id
    from harness.plugin.extent.offers import offer_of
    from harness.plugin.session.drills import find_drills, patterns_of, shortest_profile

    names = split_commas(names)
    _refuse_words(names, only_list=only_list)
    aimed = aim(
        target,
        driver,
        allow_faults=allow_faults,
        database_url=database_url,
        cleanup=cleanup,
    )
    refuse_missing(folders)
    drills = find_drills(folders)
    offers = [offer_of(spec, aimed.target) for spec in drills]
    if only_list:
        _print_list(offers)
        return ExitCode.PASS
    only = _offered(offers) if names == (ALL,) else patterns_of(names, drills)
    if not only:
        return ExitCode.INCONCLUSIVE
    chosen = [spec for spec in drills if matches_id(spec.id, only)]
    wanted = Wanted(
        profile=shortest_profile(chosen),
        only=only,
        allow_inconclusive=split_commas(allow_inconclusive),
        folders=folders,
        seed=seed,
        out=out,
        baseline=baseline,
        first_finding=first_finding,
        words=words_for_pytest(
            pytest_args,
            processes,
            share=aimed.target.is_cloned and len(chosen) > 1,
        ),
    )
    return run_gate(aimed, wanted)


def _refuse_words(names: Sequence[str], *, only_list: bool) -> None:
    if only_list and names:
        raise Misconfigured(f"--list lists every drill: leave {' '.join(names)} out")
    if not only_list and not names:
        raise Misconfigured(
            "name a drill, or `all`, such as `shakedown drill worker-kill`; "
            "`shakedown drill --list` lists them"
        )
    if ALL in names and len(names) > 1:
        raise Misconfigured("`all` stands alone: it means every drill that the target offers")


def _offered(offers: "Sequence[Offer]") -> tuple[str, ...]:
    """Give the ids of the drills that the target offers; say which are left out, and why."""
    from harness.cli.drill_list import reasons

    for offer in offers:
        if not offer.is_offered:
            say(f"shakedown: left out: {offer.spec.id}: {'; '.join(reasons(offer))}")
    offered = tuple(offer.spec.id for offer in offers if offer.is_offered)
    if not offered:
        say("shakedown: this target offers no drill, so nothing was run: inconclusive")
    return offered


def _print_list(offers: "Sequence[Offer]") -> None:
    from harness.cli.drill_list import print_list, print_plain

    if not sys.stdout.isatty():
        print_plain(offers)
        return
    from rich.console import Console

    print_list(Console(highlight=False), offers)
