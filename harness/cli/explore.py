"""`shakedown explore`: every interleaving of the claim protocol's steps, on a real database."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import random_seed, split_commas, target_option
from harness.errors import Misconfigured
from harness.recovery.healing import end_run
from harness.redaction.redactor import Redactor
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.explore import Exploration, Kind, Protocol
    from harness.plugin.signals import Interruption
    from harness.target import Target

_SHOWN_EVERY_S = 0.2


@click.command(
    short_help="every interleaving of the claim protocol's SQL steps, on a real database",
    epilog=(
        "Exit codes: 0 every invariant holds, 1 one is violated, 2 not everything was looked at, "
        "3 misconfigured."
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
    help="ShortNames the SQL of each step (default: the target's [claim] protocol).",
)
@click.option(
    "--workers",
    type=click.IntRange(2, 3),
    default=2,
    show_default=True,
    help="The most workers side by side; the largest scenarios of three are sampled.",
)
@click.option(
    "--steps",
    multiple=True,
    metavar="STEP,…",
    help="Only these of claim, heartbeat, complete, fail, release, recover.",
)
@click.option("--limit", type=click.IntRange(1), default=None, help="Stop after N interleavings.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=None, help="Stop then.")
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
def explore(
    target: Path | None,
    *,
    dsn: str | None,
    protocol: Path | None,
    workers: int,
    steps: tuple[str, ...],
    limit: int | None,
    seconds: float | None,
    seed: int | None,
    brief: bool,
    remove_exports: bool,
    out: Path | None,
) -> int:
    """Run every interleaving of what workers do (claim, heartbeat, complete, fail, release,
    recovery; commits held open) on separate connections, and judge each by the contract.

    Without --dsn an embedded database is brought up. With --dsn a protocol file must say which
    SQL is which step, and the database must have no exports: it is filled, emptied and filled
    again. What was made is removed in the end, after Ctrl-C, too.

    \b
      shakedown explore                                  the reference backend, two workers
      shakedown explore --workers 3 --seconds 60         three, for a minute
      shakedown explore --protocol claims.toml --dsn postgresql://…/a_test_database
      shakedown explore --steps claim,complete,recover   these steps only
    """
    # Loaded here: `--help` does without it.
    from harness.plugin.signals import Interruption

    _refuse_contradictions(target, dsn, protocol, remove_exports=remove_exports)
    if out is not None:
        _make(out)
    wish = _Wish(
        target=target,
        dsn=dsn,
        protocol=protocol,
        workers=workers,
        kinds=_kinds(steps),
        limit=limit,
        seconds=seconds,
        seed=random_seed() if seed is None else seed,
        brief=brief,
        remove_exports=remove_exports,
    )
    interruption = Interruption()
    with interruption.listening():
        try:
            asyncio.run(_explore(wish, interruption))
        except Misconfigured as error:
            raise Misconfigured(wish.hide(str(error))) from None
        except KeyboardInterrupt:
            interruption.note()
    return _conclude(wish, out) if interruption.exit_code is None else _stopped(wish, interruption)


@dataclass(kw_only=True)
class _Wish:
    """What was asked for, and what has come of it so far."""

    target: Path | None
    dsn: str | None
    protocol: Path | None
    workers: int
    kinds: "frozenset[Kind]"
    limit: int | None
    seconds: float | None
    seed: int
    brief: bool
    remove_exports: bool
    hide: Redactor = field(default_factory=Redactor)
    found: "Exploration | None" = None
    left_out: "list[Kind]" = field(default_factory=list)
    obstacle: str = ""
    remains: list[str] = field(default_factory=list)
    shown_at: float = 0.0


def _refuse_contradictions(
    target: Path | None, dsn: str | None, protocol: Path | None, *, remove_exports: bool
) -> None:
    if dsn is not None and protocol is None:
        raise Misconfigured(
            "--dsn needs --protocol FILE: the SQL of each step, and how exports are inserted and "
            "removed (docs/explore.md); nothing in that database has been touched"
        )
    if dsn is not None and target is not None:
        raise Misconfigured("--dsn and --target exclude each other: which database is it to be?")
    if remove_exports and dsn is None:
        raise Misconfigured("--remove-exports is for --dsn; an embedded database begins empty")


def _kinds(steps: tuple[str, ...]) -> "frozenset[Kind]":
    from harness.explore import NAMEABLE_KINDS, Kind

    names = split_commas(steps)
    known = [kind.value for kind in NAMEABLE_KINDS]
    if unknown := [name for name in names if name not in known]:
        raise Misconfigured(
            f"--steps: unknown step {', '.join(unknown)}; expected some of {', '.join(known)}"
        )
    return frozenset(map(Kind, names)) if names else frozenset(NAMEABLE_KINDS)


async def _explore(wish: _Wish, interruption: "Interruption") -> None:
    from harness.explore import (
        NAMEABLE_KINDS,
        Budget,
        CannotGoOnError,
        ExploredDatabase,
        explore,
        plan,
    )

    async with _database(wish) as (dsn, protocol):
        database = None
        try:
            database = await ExploredDatabase.open(dsn, protocol)
            if count := await database.count_exports():
                _refuse_full(wish, protocol, count)
            await database.prepare()
            kinds = wish.kinds & protocol.kinds()
            wish.left_out = [k for k in NAMEABLE_KINDS if k in wish.kinds - protocol.kinds()]
            await explore(
                database,
                plan(kinds, workers=wish.workers, brief=wish.brief),
                seed=wish.seed,
                budget=Budget(interleavings=wish.limit, seconds=wish.seconds),
                on_progress=lambda found: _progress(wish, found),
            )
        except CannotGoOnError as error:
            wish.obstacle = str(error)
        finally:
            interruption.shield()
            if database is not None:
                wish.remains = await database.close()


@contextlib.asynccontextmanager
async def _database(wish: _Wish) -> "AsyncIterator[tuple[str, Protocol]]":
    """Give the database to explore and its protocol; an embedded one is gone afterwards."""
    from harness.explore import load_protocol

    if wish.dsn is not None:
        assert wish.protocol is not None
        _refuse_unreadable(wish.dsn)
        wish.hide.add_secrets([wish.dsn])
        yield wish.dsn, load_protocol(wish.protocol)
        return
    from harness.machine.journal import Journal
    from harness.system import launch
    from harness.target import load_target

    target = load_target(wish.target)
    protocol = load_protocol(_protocol_file(wish, target))
    journal = Journal.begin()
    system = None
    try:
        system = await launch(
            target,
            journal=journal,
            on_progress=_say,
            api_instances=0,
            workers=0,
        )
        wish.hide.add_secrets(system.secrets)
        if system.control_url is None:
            raise Misconfigured(
                f"the target {target.name!r} gives no database to explore (database.source = "
                f"{target.database.source!r}); name one with --dsn"
            )
        yield system.control_url, protocol
    finally:
        if system is not None:
            await system.close()
        end_run(journal)


def _protocol_file(wish: _Wish, target: "Target") -> Path:
    if wish.protocol is not None:
        return wish.protocol
    if target.claim is None or target.claim.protocol is None:
        raise Misconfigured(
            f"the target {target.name!r} names no [claim] protocol; name the SQL of its steps in a "
            "file and give it there or with --protocol (docs/explore.md)"
        )
    return Path(target.claim.protocol)


def _refuse_unreadable(dsn: str) -> None:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        # libpq repeats the text, and the password in it.
        raise Misconfigured("--dsn: neither a postgresql:// URL nor key=value pairs") from error


def _refuse_full(wish: _Wish, protocol: "Protocol", count: int) -> None:
    if wish.dsn is None or wish.remove_exports:
        return
    reset = " ".join(protocol.exports.reset.split())
    raise Misconfigured(
        f"the database has {count} exports already, and [exports] reset would remove them: "
        f"{reset}; point --dsn at a database for tests, or say --remove-exports"
    )


def _progress(wish: _Wish, found: "Exploration") -> None:
    wish.found = found
    if sys.stderr.isatty() and time.monotonic() - wish.shown_at > _SHOWN_EVERY_S:
        wish.shown_at = time.monotonic()
        broken = f", {len(found.findings)} rules broken" if found.findings else ""
        total = sum(each.planned.sample or each.planned.interleavings for each in found.covered)
        click.echo(f"\r{found.run + found.merged:,} of {total:,}{broken} ", err=True, nl=False)


def _tell(wish: _Wish) -> list[str]:
    from harness.explore import render_exploration, render_finding

    lines: list[str] = []
    if wish.found is not None:
        for finding in wish.found.findings.values():
            lines += [*render_finding(finding), ""]
        lines += render_exploration(wish.found, wish.left_out)
    return [wish.hide(line) for line in lines]


def _conclude(wish: _Wish, out: Path | None) -> int:
    lines = _tell(wish)
    if sys.stderr.isatty():
        click.echo("\r", err=True, nl=False)
    click.echo("\n".join(lines))
    if out is not None and wish.found is not None:
        _write(wish, out, lines)
    for problem in wish.remains:
        _say(wish.hide(f"shakedown: not removed: {problem}"))
    if wish.found is not None and wish.found.findings:
        return ExitCode.FAIL
    if wish.obstacle:
        _say(wish.hide(f"shakedown: could not go on: {wish.obstacle}"))
    if wish.obstacle or wish.remains or wish.found is None or not wish.found.is_complete:
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASS


def _stopped(wish: _Wish, interruption: "Interruption") -> int:
    """Tell what was found until somebody interrupted."""
    click.echo("\n".join(_tell(wish)))
    for problem in wish.remains:
        _say(wish.hide(f"shakedown: not removed: {problem}"))
    _say("interrupted; everything that was made has been removed" if not wish.remains else "")
    return interruption.exit_code or ExitCode.INCONCLUSIVE


def _write(wish: _Wish, out: Path, lines: list[str]) -> None:
    from harness.explore.json_report import as_json

    assert wish.found is not None
    record = as_json(wish.found, seed=wish.seed, left_out=wish.left_out)
    text = wish.hide(json.dumps(record, indent=2, ensure_ascii=False))
    (out / "explore.json").write_text(text + "\n", encoding="utf-8")
    (out / "explore.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _say(f"written: {out / 'explore.json'}, {out / 'explore.txt'}")


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"--out {out}: cannot be written: {error}") from error


def _say(text: str) -> None:
    if text:
        click.echo(text, err=True)
