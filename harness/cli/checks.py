"""`shakedown checks`: what can be checked, and whether this target allows it."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import driver_option, load_chosen, refuse_missing, target_option
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from harness.check import CheckSpec
    from harness.plugin.extent.extent import Extent
    from harness.target import Capability
    from harness.target.bundled import Choice

_MARKS = {"all": "✔", "part": "◐", "not at all": "✘"}


@click.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...")
@target_option
@driver_option
@click.option("--no-built-in", is_flag=True, help="Leave out the checks that come with Shakedown.")
@click.option("-v", "--verbose", is_flag=True, help="Show what exactly each check demands.")
def checks(
    folders: tuple[str, ...],
    target: Path | None,
    *,
    driver: "Choice | None",
    no_built_in: bool,
    verbose: bool,
) -> int:
    """List every check, and whether this target can be looked at: all, in part, or not at all.

    For each: id, title, checklist line, needs, what is missing, and at the end how long a run of
    all of them may take. FOLDER holds checks of your own. In a pipe: one check per line, its fields
    separated by tabs.
    """
    # Loaded here: `--help` does without them.
    from harness.plugin.extent.extent import expected_minutes, extent_of
    from harness.plugin.session.listing import find_checks

    refuse_missing(folders)
    loaded = load_chosen(target, driver)
    found = find_checks(folders, built_in=not no_built_in)
    specs = sorted(found.known.values(), key=lambda spec: spec.id)
    extents = {spec.id: extent_of(spec, loaded) for spec in specs}
    if sys.stdout.isatty():
        from rich.console import Console

        print_list(Console(highlight=False), specs, extents, verbose=verbose)
        click.echo(f"\n{expected_minutes(specs, extents)}")
    else:
        for spec in specs:
            description = [" ".join(spec.description.split())] if verbose else []
            click.echo("\t".join([*_row(spec, extents[spec.id]), *description]))
    return ExitCode.PASS


def _row(spec: "CheckSpec", extent: "Extent") -> tuple[str, ...]:
    needs = _listed(spec.needs)
    return spec.id, spec.title, spec.checklist, spec.profile, needs, extent.describe()


def _listed(capabilities: "Iterable[Capability]") -> str:
    return ", ".join(sorted(capabilities))


def print_list(
    console: "Console",
    specs: "Sequence[CheckSpec]",
    extents: "Mapping[str, Extent]",
    *,
    verbose: bool,
) -> None:
    """Print the checks for a person: id and title whole, and what is missing of each."""
    from rich.text import Text

    from harness.reports.check_rows import CheckRows, by_checklist
    from harness.reports.describe import description_lines

    rows = CheckRows(specs, console.width)
    for family, lines in by_checklist(specs).items():
        console.print(Text(f"\n{family}", style="bold"))
        for line, group in lines.items():
            console.print(Text(f"  {line}", style="italic"))
            for spec in group:
                extent = extents[spec.id]
                mark = Text(_MARKS[extent.how], style="green" if extent.is_whole else "yellow")
                needs = _listed(spec.needs)
                console.print(rows.row(mark, Text(spec.id), spec.title, needs, spec.profile))
                if not extent.is_whole:
                    console.print(Text(f"      {extent.describe()}", "yellow"))
                for text in description_lines(spec.description, " " * 6) if verbose else ():
                    console.print(Text(text, "dim"))
