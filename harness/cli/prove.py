"""`shakedown prove`: the bug zoo against the gate."""

import asyncio
from pathlib import Path

import click
import orjson
from rich.console import Console

from harness.check import plain_id
from harness.cli.options import driver_option, make_folder, random_seed, split_commas
from harness.errors import Misconfigured
from harness.machine.interruptible import run_interruptible
from harness.plugin.session.listing import find_checks
from harness.plugin.session.signals import Interruption
from harness.prove.display import ProgressDisplay
from harness.prove.gate import Gate
from harness.prove.markdown import as_markdown, zoo_as_markdown
from harness.prove.matrix import Matrix
from harness.prove.runner import Plan, choose_defects, prove_gate
from harness.prove.zoo import read_zoo
from harness.target.bundled import Choice, choose_target, refuse_contradiction
from harness.target.load import load_target


@click.command(
    short_help="the bug zoo against the gate: the kill matrix",
    epilog="Exit codes: 0 every defect was killed by an expected check, 1 not all were, "
    "3 misconfigured, 4 internal error, 128 + n ended by a signal.",
)
@click.argument("defects", nargs=-1, metavar="[DEFECT]...")
@click.option(
    "-n",
    "side_by_side",
    default=3,
    show_default=True,
    type=click.IntRange(1, 64),
    help="How many systems to try side by side; three keep two cores busy.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Run the whole quick profile on every defect too, not only the checks that are expected "
    "to catch it.",
)
@click.option(
    "--list",
    "only_list",
    is_flag=True,
    help="Print the defects and the checks that must catch them as Markdown; run nothing.",
)
@click.option(
    "--sample",
    default=0,
    metavar="N",
    type=click.IntRange(0),
    help="Try N defects, drawn by --seed.",
)
@click.option(
    "--seed",
    default=None,
    metavar="SEED",
    help="Drives the sample and every generator; a number, decimal or hexadecimal (a commit).",
)
@click.option(
    "--clean-runs",
    default=1,
    show_default=True,
    type=click.IntRange(1, 100),
    help="How often the backend without a defect must pass first.",
)
@click.option(
    "--allow-inconclusive",
    metavar="ID",
    multiple=True,
    help="A known gap of the backend: this check may be inconclusive; repeat it or use commas.",
)
@click.option(
    "--target",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The target file whose backend has the zoo (default: the reference backend).",
)
@driver_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("shakedown-report/prove"),
    show_default=True,
    help="Where prove.json and matrix.md go.",
)
def prove(
    defects: tuple[str, ...],
    side_by_side: int,
    full: bool,
    only_list: bool,
    sample: int,
    seed: str | None,
    clean_runs: int,
    allow_inconclusive: tuple[str, ...],
    target: Path | None,
    driver: Choice | None,
    out: Path,
) -> None:
    """Prove the gate: switch on each DEFECT of the bug zoo (default: all) and see what fails.

    A defect is killed when a check fails that is expected to catch it, whatever the profile of
    that check. The exit code is 1 when a
    defect survives, or when only other checks catch it; and, if all are tried and [zoo]
    every_check is set, when a check fails on no defect.
    """
    number = _seed(seed)
    target = target if driver is None else choose_target(target, driver)
    aimed = load_target(target)
    refuse_contradiction(aimed, driver)
    if aimed.zoo is None:
        raise Misconfigured(
            f"the target {aimed.name!r} has no bug zoo: "
            "expected a [zoo] table with list_command and variable"
        )
    zoo = asyncio.run(read_zoo(aimed.expand_command(aimed.zoo.list_command), aimed.directory))
    chosen = tuple(choose_defects(zoo, defects, sample, number))
    if only_list:
        click.echo(zoo_as_markdown(chosen), nl=False)
        return
    make_folder(out)
    plan = Plan(
        gate=Gate(
            variable=aimed.zoo.variable,
            seed=number,
            target=target,
            allow_inconclusive=split_commas(allow_inconclusive),
            profiles={
                plain_id(spec.id): spec.profile
                for spec in find_checks((), built_in=True).known.values()
            },
        ),
        defects=chosen,
        zoo_size=len(zoo),
        every_check=aimed.zoo.every_check,
        side_by_side=side_by_side,
        full=full,
        clean_runs=clean_runs,
    )
    show, interruption = ProgressDisplay(Console(), plan), Interruption()
    try:
        with interruption.listening(), show:
            matrix = run_interruptible(prove_gate(plan, show))
    except KeyboardInterrupt:
        interruption.note()
        _write(show.so_far(), out)
        show.interrupted(out)
        raise SystemExit(interruption.exit_code) from None
    _write(matrix, out)
    show.conclude(matrix, out)
    raise SystemExit(0 if matrix.holds else 1)


def _seed(text: str | None) -> int:
    if text is None:
        return random_seed()
    try:
        return int(text, 10 if text.isdecimal() else 16)
    except ValueError as error:
        raise Misconfigured(f"--seed {text}: expected a decimal or hexadecimal number") from error


def _write(matrix: Matrix, out: Path) -> None:
    (out / "prove.json").write_bytes(orjson.dumps(matrix.as_json(), option=orjson.OPT_INDENT_2))
    (out / "matrix.md").write_text(as_markdown(matrix), encoding="utf-8")
