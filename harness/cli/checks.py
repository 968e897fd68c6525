"""`shakedown checks`: what can be checked, and whether this target allows it."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import driver_option, refuse_missing, target_option
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.check import CheckSpec
    from harness.target import Capability
    from harness.target.bundled import Choice


@click.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...")
@target_option
@driver_option
@click.option("--no-built-in", is_flag=True, help="Leave out the checks that come with Shakedown.")
def checks(
    folders: tuple[str, ...],
    target: Path | None,
    *,
    driver: "Choice | None",
    no_built_in: bool,
) -> int:
    """List every check: id, title, checklist line, needs, and whether the target allows it.

    FOLDER holds checks of your own. In a pipe: one check a line, separated by tabs.
    """
    # Loaded here: `--help` does without them.
    from harness.plugin.listing import find_checks
    from harness.target import load_target
    from harness.target.bundled import choose_target, refuse_contradiction

    refuse_missing(folders)
    loaded = load_target(target if driver is None else choose_target(target, driver))
    refuse_contradiction(loaded, driver)
    offered = loaded.capabilities()
    found = find_checks(folders, built_in=not no_built_in)
    specs = sorted(found.known.values(), key=lambda spec: spec.id)
    if sys.stdout.isatty():
        _print_table(specs, offered)
    else:
        for spec in specs:
            click.echo("\t".join(_row(spec, offered)))
    return ExitCode.PASS


def _row(spec: "CheckSpec", offered: "frozenset[Capability]") -> tuple[str, ...]:
    missing = spec.needs - offered
    allowed = f"no: lacks {_listed(missing)}" if missing else "yes"
    return spec.id, spec.title, spec.checklist, spec.profile, _listed(spec.needs), allowed


def _listed(capabilities: "Iterable[Capability]") -> str:
    return ", ".join(sorted(capabilities))


def _print_table(specs: "list[CheckSpec]", offered: "frozenset[Capability]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True)
    for heading in ("title", "checklist", "profile", "needs", "allowed here"):
        table.add_column(heading)
    for spec in specs:
        table.add_row(*map(Text, _row(spec, offered)))
    Console().print(table)
