"""`shakedown recheck`: judges an old run again, from its history alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import Misconfigured
from harness.untrusted.sanitizing import sanitize
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.checkers.recheck import Rechecked

SHOWN = 10
"""Violations of one check that are shown."""

DOUBTFUL = ", not counted (it may follow from what the file lacks)"


@click.command(
    short_help="judge an old run again, from history.jsonl alone",
    epilog="Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 no history of this form.",
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Judge only checks whose id matches, such as 'load.*'; repeat it or use commas.",
)
@click.option("--verbose", is_flag=True, help="Name also the checkers that could not look.")
def recheck(directory: Path, *, only: tuple[str, ...], verbose: bool) -> int:
    """Judge the drills and loads of a run again, by history.jsonl in its report directory DIR.

    DIR may also be such a file. Nothing else is read: no database, no backend, no target file.
    Every check that has written a history gets the verdict that it had in the run, as long as
    nobody has changed the file: a line that is missing leaves its check inconclusive, whatever is
    found after it.
    """
    # Loaded here: `--help` does without it.
    from harness.check import matches_id
    from harness.cli.options import split_commas
    from harness.verdict import combine, exit_code

    path = directory / "history.jsonl" if directory.is_dir() else directory
    patterns = split_commas(only)
    if only and not patterns:
        raise Misconfigured(f"--only {only[0]!r}: expected ids or patterns; leave it out for all")
    found = _judged(path)
    rechecked = [each for each in found if not patterns or matches_id(each.check, patterns)]
    if not rechecked:
        which = f"of {', '.join(patterns)}" if patterns else "that a check has written"
        there = f"; it has those of {', '.join(each.check for each in found)}" if found else ""
        click.echo(
            sanitize(f"shakedown: {path} has no entries {which}: nothing can be judged{there}"),
            err=True,
        )
        return ExitCode.INCONCLUSIVE
    for each in rechecked:
        _show(each, verbose=verbose)
    verdict = combine(each.verdict for each in rechecked)
    checks = "1 check" if len(rechecked) == 1 else f"{len(rechecked)} checks"
    click.echo(f"{verdict.upper()}: {checks} judged again from {path}")
    return exit_code(verdict)


def _judged(path: Path) -> "list[Rechecked]":
    """Read and judge. Raises `Misconfigured` for a file that is no history of this form."""
    from harness.checkers.recheck import Recheck
    from harness.history import DamagedHistory, HistoryReader
    from harness.history.reader import checked

    if not path.is_file():
        raise Misconfigured(f"there is no {path}: give the report directory of a run")
    reader, again = HistoryReader(path), Recheck()
    try:
        for entry in checked(reader):
            again.take(entry)
    except DamagedHistory as damaged:
        raise Misconfigured(sanitize(str(damaged))) from None
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror or error}") from None
    if reader.is_cut:
        click.echo(
            f"shakedown: the last line of {path} is cut, after line {reader.lines}", err=True
        )
    if not reader.lines:
        raise Misconfigured(f"{path} has no line that says its schema: it is no history")
    return list(again.end(is_cut=reader.is_cut))


def _show(each: "Rechecked", *, verbose: bool) -> None:
    click.echo(f"{each.verdict:<13} {each.check}")
    shown = dict.fromkeys(
        f"{look.what}{DOUBTFUL if look.is_doubtful else ''}: {found.describe()}"
        for look in each.looks
        for found in look.violations
    )
    for line in list(shown)[:SHOWN]:
        click.echo(sanitize(f"    {line}"))
    if len(shown) > SHOWN:
        click.echo(f"    … {len(shown)} violations in all")
    for reason in each.reasons:
        click.echo(sanitize(f"    {reason}"))
    if verbose:
        for name, why in each.not_looked_at.items():
            click.echo(sanitize(f"    not looked at: {name}: {why}"))
