"""`shakedown accept`: takes what a run found into a baseline."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import Misconfigured
from harness.untrusted.sanitizing import sanitize
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.ratchet.change import Change

DEFAULT_RUN = Path("shakedown-report/latest")


@click.command()
@click.argument("patterns", nargs=-1, metavar="[FINGERPRINT|RULE|CHECK]...")
@click.option(
    "--run",
    "run",
    metavar="DIR|FILE",
    type=click.Path(path_type=Path),
    default=DEFAULT_RUN,
    show_default=True,
    help="The run: its report directory, or its results.json.",
)
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write, or to add to.",
)
@click.option("--reason", metavar="TEXT", required=True, help="Why it is accepted.")
@click.option(
    "--until",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The last day on which it is accepted, such as 2027-03-31 (default: no end).",
)
@click.option("--yes", is_flag=True, help="Write without asking.")
def accept(
    *,
    patterns: tuple[str, ...],
    run: Path,
    baseline: Path,
    reason: str,
    until: datetime | None,
    yes: bool,
) -> int:
    """Accept what a run found: `shakedown run --baseline FILE` does not count it any more.

    Without a pattern, all that the run found is accepted, and inconclusive checks with it. What was
    accepted before stays, unless the run looked at its place and found it clean. The change is
    shown, a line each, before anything is written.

    \b
      shakedown accept --baseline known.json --reason "first run, see TICKET-12"
      shakedown accept --baseline known.json --reason "next sprint" --until 2027-03-31 'header.*'
    """
    # Loaded here: `--help` does without it.
    from harness.ratchet.baseline import as_text
    from harness.ratchet.change import change_of

    if not reason.strip():
        raise Misconfigured("--reason must say why this is accepted; it is empty")
    last_day = until.date() if until else None
    if last_day is not None and last_day < datetime.now(UTC).date():
        raise Misconfigured(f"--until {last_day} is in the past")
    change = change_of(run, baseline, patterns=patterns, reason=reason, until=last_day)
    _show(change)
    if not change.is_any:
        click.echo("nothing to change")
        return ExitCode.PASS
    if not yes:
        if not sys.stdin.isatty():
            raise Misconfigured(
                "nothing was written: there is no terminal to confirm it; add --yes"
            )
        if not click.confirm(f"write {baseline}?"):
            click.echo("nothing was written")
            return ExitCode.PASS
    unfinished = baseline.with_name(f"{baseline.name}.part")
    try:
        unfinished.write_text(as_text(change.after), encoding="utf-8")
        unfinished.replace(baseline)
    except OSError as error:
        raise Misconfigured(f"{baseline} cannot be written ({error.strerror})") from error
    findings, gaps = len(change.after.findings), len(change.after.gaps)
    click.echo(f"wrote {baseline}: {findings} findings and {gaps} gaps are accepted")
    return ExitCode.PASS


def _show(change: "Change") -> None:
    for mark, lines in (("+", change.added), ("-", change.fixed), ("=", change.kept)):
        for line in lines:
            click.echo(sanitize(f"{mark} {line}"))
