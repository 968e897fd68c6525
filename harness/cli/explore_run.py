"""One `shakedown explore`: its database, its progress, its report and exit code."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict

from harness.cli.options import make_folder, random_seed, split_commas
from harness.cli.stderr import say
from harness.errors import Misconfigured
from harness.explore import (
    NAMEABLE_KINDS,
    Budget,
    CannotGoOnError,
    Exploration,
    ExploredDatabase,
    Kind,
    Protocol,
    explore,
    load_protocol,
    plan,
    rehearse,
    render_exploration,
    render_finding,
)
from harness.explore.reports.json_report import as_json
from harness.machine.journal import Journal
from harness.plugin.session.signals import Interruption
from harness.recovery.healing import end_run
from harness.redaction.redactor import Redactor
from harness.system import launch
from harness.target import Target, load_target
from harness.target.values.libpq_variables import SESSION, set_aside
from harness.verdict import ExitCode

_SHOWN_EVERY_S = 0.2


@dataclass(kw_only=True)
class ExploreRun:
    """The options of the command, and what the run has found so far."""

    target: Path | None
    dsn: str | None
    protocol: Path | None
    workers: int
    steps: tuple[str, ...]
    limit: int | None
    seconds: float | None
    seed: int | None
    brief: bool
    remove_exports: bool
    out: Path | None
    redact: Redactor = field(default_factory=Redactor)
    found: Exploration | None = None
    left_out: list[Kind] = field(default_factory=list)
    obstacle: str = ""
    not_removed: list[str] = field(default_factory=list)
    shown_at: float = 0.0

    def execute(self) -> int:
        """Explore, report, and give the exit code."""
        self._refuse_contradictions()
        kinds = _kinds(self.steps)
        if self.out is not None:
            make_folder(self.out)
        seed = random_seed() if self.seed is None else self.seed
        interruption = Interruption()
        with interruption.listening():
            try:
                asyncio.run(self._explore(kinds, seed, interruption))
            except Misconfigured as error:
                raise Misconfigured(self.redact(str(error))) from None
            except KeyboardInterrupt:
                interruption.note()
        lines = self._report()
        if interruption.exit_code is not None:
            if not self.not_removed:
                say("interrupted; everything that was made has been removed")
            return interruption.exit_code
        if self.out is not None and self.found is not None:
            self._write(self.out, self.found, seed, lines)
        return self._exit_code()

    def _refuse_contradictions(self) -> None:
        if self.dsn is not None and self.protocol is None:
            raise Misconfigured(
                "--dsn needs --protocol FILE: the SQL of each step, and how exports are inserted "
                "and removed (docs/explore.md); nothing in that database has been touched"
            )
        if self.dsn is not None and self.target is not None:
            raise Misconfigured("--dsn and --target each name a database; give only one of them")
        if self.remove_exports and self.dsn is None:
            raise Misconfigured("--remove-exports is for --dsn; an embedded database begins empty")

    async def _explore(self, kinds: frozenset[Kind], seed: int, interruption: Interruption) -> None:
        async with self._database() as (dsn, protocol):
            database = None
            try:
                database = await ExploredDatabase.open(dsn, protocol)
                self._refuse_full(protocol, await database.count_exports())
                await rehearse(database)
                known = protocol.kinds()
                self.left_out = [k for k in NAMEABLE_KINDS if k in kinds - known]
                if protocol.takes_over and not protocol.recover:  # claims do it
                    self.left_out = [k for k in self.left_out if k is not Kind.RECOVER]
                await explore(
                    database,
                    plan(
                        kinds & known,
                        workers=self.workers,
                        takes_over=protocol.takes_over,
                        brief=self.brief,
                    ),
                    seed=seed,
                    budget=Budget(interleavings=self.limit, seconds=self.seconds),
                    on_progress=self._show_progress,
                )
            except CannotGoOnError as error:
                self.obstacle = str(error)
            finally:
                interruption.shield()
                if database is not None:
                    self.not_removed = await database.close()

    @contextlib.asynccontextmanager
    async def _database(self) -> AsyncIterator[tuple[str, Protocol]]:
        """Give the database to explore and its protocol; an embedded one is gone afterwards."""
        if self.dsn is not None:
            assert self.protocol is not None
            _refuse_unreadable(self.dsn)
            self.redact.add_secrets([self.dsn])
            set_aside(SESSION)
            yield self.dsn, load_protocol(self.protocol)
            return
        target = load_target(self.target)
        protocol = load_protocol(self.protocol or _protocol_of(target))
        journal = Journal.begin()
        system = None
        try:
            system = await launch(
                target,
                journal=journal,
                on_progress=say,
                api_instances=0,
                workers=0,
            )
            self.redact.add_secrets(system.secrets)
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

    def _refuse_full(self, protocol: Protocol, count: int) -> None:
        if not count or self.dsn is None or self.remove_exports:
            return
        reset = " ".join(protocol.exports.reset.split())
        raise Misconfigured(
            f"the database has {count} exports already, and [exports] reset would remove them: "
            f"{reset}; point --dsn at a database for tests, or add --remove-exports"
        )

    def _show_progress(self, found: Exploration) -> None:
        self.found = found
        if sys.stderr.isatty() and time.monotonic() - self.shown_at > _SHOWN_EVERY_S:
            self.shown_at = time.monotonic()
            broken = f", {len(found.findings)} rules broken" if found.findings else ""
            total = sum(each.planned.sample or each.planned.interleavings for each in found.covered)
            click.echo(f"\r{found.run + found.merged:,} of {total:,}{broken} ", err=True, nl=False)

    def _report(self) -> list[str]:
        lines: list[str] = []
        if self.found is not None:
            for finding in self.found.findings.values():
                lines += [*render_finding(finding), ""]
            lines += render_exploration(self.found, self.left_out)
        lines = [self.redact(line) for line in lines]
        if sys.stderr.isatty():
            click.echo("\r", err=True, nl=False)
        click.echo("\n".join(lines))
        for problem in self.not_removed:
            say(self.redact(f"shakedown: not removed: {problem}"))
        return lines

    def _write(self, out: Path, found: Exploration, seed: int, lines: list[str]) -> None:
        record = as_json(found, seed=seed, left_out=self.left_out)
        text = self.redact(json.dumps(record, indent=2, ensure_ascii=False))
        (out / "explore.json").write_text(text + "\n", encoding="utf-8")
        (out / "explore.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        say(f"written: {out / 'explore.json'}, {out / 'explore.txt'}")

    def _exit_code(self) -> ExitCode:
        if self.found is not None and self.found.findings:
            return ExitCode.FAIL
        if self.obstacle:
            say(self.redact(f"shakedown: explore stopped early: {self.obstacle}"))
        if self.obstacle or self.not_removed or self.found is None or not self.found.is_conclusive:
            return ExitCode.INCONCLUSIVE
        return ExitCode.PASS


def _kinds(steps: tuple[str, ...]) -> frozenset[Kind]:
    names = split_commas(steps)
    known = [kind.value for kind in NAMEABLE_KINDS]
    if unknown := [name for name in names if name not in known]:
        raise Misconfigured(
            f"--steps: unknown step {', '.join(unknown)}; expected some of {', '.join(known)}"
        )
    return frozenset(map(Kind, names)) if names else frozenset(NAMEABLE_KINDS)


def _protocol_of(target: Target) -> Path:
    if target.claim is None or target.claim.protocol is None:
        raise Misconfigured(
            f"the target {target.name!r} names no [claim] protocol; write the SQL of its steps "
            "into a file, and name it there or with --protocol (docs/explore.md)"
        )
    return Path(target.claim.protocol)


def _refuse_unreadable(dsn: str) -> None:
    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        # libpq repeats the text, and the password in it.
        raise Misconfigured(
            "--dsn: neither a postgresql:// URL nor key=value pairs; write one of them"
        ) from error
