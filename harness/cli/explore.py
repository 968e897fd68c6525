"""`shakedown explore`: every interleaving of the claim protocol's steps, on a real database."""

from pathlib import Path
from typing import Any

import click

from harness.cli.options import target_option


@click.command(
    short_help="every interleaving of the claim protocol's SQL steps, on a real database",
    epilog=(
        "Exit codes: 0 every invariant holds, 1 one is violated, 2 not everything was checked, "
        "3 misconfigured, or a queue that cannot be explored."
    ),
)
@target_option
@click.option(
    "--dsn",
    metavar="DSN",
    envvar="SHAKEDOWN_EXPLORE_DSN",
    default=None,
    help="The database to explore; better given in SHAKEDOWN_EXPLORE_DSN, which no process list "
    "shows (default: an embedded one, brought up for this).",
)
@click.option(
    "--protocol",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The SQL of each step (default: the target's [claim] protocol).",
)
@click.option(
    "--workers",
    type=click.IntRange(2, 3),
    default=2,
    show_default=True,
    help="At most so many workers at once; of the largest scenarios of three, a sample is run.",
)
@click.option(
    "--steps",
    multiple=True,
    metavar="STEP,…",
    help="Only these of claim, heartbeat, complete, fail, release, recover.",
)
@click.option("--limit", type=click.IntRange(1), default=None, help="Stop after N interleavings.")
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=None, help="Stop after N seconds."
)
@click.option("--seed", type=int, default=None, help="Draws the samples.")
@click.option(
    "--brief", is_flag=True, help="Only scenarios with few interleavings, as the gate's check does."
)
@click.option(
    "--remove-exports",
    is_flag=True,
    help="With --dsn: remove the exports that are in the database already.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Write explore.json and explore.txt there.",
)
def explore(**options: Any) -> int:  # noqa: ANN401 - each has its type in ExploreRun
    """Run every interleaving of what workers do (claim, heartbeat, complete, fail, release,
    recovery; commits held open) on separate connections, and judge each by the contract.

    Without --dsn it starts an embedded database. With --dsn a protocol file must give the SQL of
    each step, and the database must have no exports: it is filled and emptied again and again.
    In the end, also after Ctrl-C, everything that was made is removed.

    \b
      shakedown explore                                  the reference backend, two workers
      shakedown explore --workers 3 --seconds 60         three, for a minute
      shakedown explore --protocol claims.toml --dsn postgresql://…/a_test_database
      shakedown explore --steps claim,complete,recover   these steps only
    """
    from harness.cli.explore_run import ExploreRun  # `--help` does without it

    return ExploreRun(**options).execute()
