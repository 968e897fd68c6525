"""Workers that stop at a failpoint, and the proof that each of them holds an export there."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.exports.backlog import Backlog
from harness.checkers import ExportFacts, Transition, read_exports
from harness.database import Database
from harness.errors import Inconclusive
from harness.system import Instance, System
from harness.target import Target
from harness.target.tables.models import Failpoints
from harness.vocabulary.exports import QUEUED
from harness.waiting import wait_until

PARK_DEADLINE_S = 20.0
"""How long workers may take to claim something and get to their failpoints."""

_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class ParkedWorker:
    """A worker, and where it stands still with its exports."""

    worker: Instance
    failpoint: str | None = None
    """None: it was frozen at work instead (`busy_worker_freezer.py`)."""
    seconds: float = 0.0
    """How long it sleeps at its failpoint."""
    setting: str = field(default="", repr=False)
    """The value of the environment variable that makes it stop there."""

    @property
    def where(self) -> str:
        """Where it stands still, for messages."""
        return f"at failpoint {self.failpoint}" if self.failpoint else "at work"

    def times_reached(self) -> int:
        """Count how often the worker's log says that it got to its failpoint.

        A line that only repeats its setting does not count.
        """
        assert self.failpoint is not None
        log = self.worker.log_path.read_text(encoding="utf-8", errors="replace")
        return len(re.findall(rf"\b{re.escape(self.failpoint)}\b", log.replace(self.setting, "")))


async def start_parked(
    system: System, failpoints: Failpoints, where: str, seconds: float
) -> ParkedWorker:
    """Start a worker that sleeps for so long each time that it gets to this failpoint."""
    environment = failpoints.environment({where: f"sleep:{seconds:g}"})
    worker = await system.start("worker", environment)
    setting = environment[failpoints.variable]
    return ParkedWorker(worker=worker, failpoint=where, seconds=seconds, setting=setting)


def last_claims(transitions: Sequence[Transition]) -> dict[str | None, set[str]]:
    """Give, by the worker's name, the exports of which it made the last claim."""
    owners = {step.export_id: step.new_claimed_by for step in transitions if step.is_claim}
    claims: dict[str | None, set[str]] = defaultdict(set)
    for export_id, owner in owners.items():
        claims[owner].add(export_id)
    return claims


async def wait_until_parked(
    workers: Sequence[ParkedWorker],
    backlog: Backlog,
    database: Database,
    target: Target,
    *,
    until_full: bool,
) -> Mapping[str, ParkedWorker]:
    """Wait until every worker is at its failpoint with all it claimed; give the worker by export.

    The backlog grows until each holds something, or `until_full`: a worker that has a free place
    would take others' exports later. `Inconclusive`, with the worker and its failpoint, when one
    does not get there in time.
    """
    calm, problem = 0, ""

    async def are_parked() -> Mapping[str, ParkedWorker]:
        nonlocal calm, problem
        observed = await read_exports(database, target)
        claims = last_claims(observed.watched())
        refuse_unknown_workers(claims, workers)
        waiting = sum(export.state == QUEUED for export in observed.exports)
        absent = [each for each in workers if not _is_there(each, claims)]
        problem = _describe(absent, claims, observed)
        is_calm = not absent and (waiting > 0 or not until_full)
        calm = calm + 1 if is_calm else 0
        if calm == (2 if until_full else 1):
            return {export_id: each for each in workers for export_id in claims[each.worker.name]}
        has_idle = any(not claims.get(each.worker.name) for each in workers)
        if not waiting and (until_full or has_idle):
            await backlog.grow(1)
        return {}

    return await wait_until(
        are_parked,
        target.pace.wait_s(PARK_DEADLINE_S, len(workers)),
        f"{len(workers)} workers to stop at their failpoints",
        poll_s=_POLL_S,
        error=lambda waited: Inconclusive(f"{waited}: {problem}"),
    )


def _is_there(each: ParkedWorker, claims: Mapping[str | None, set[str]]) -> bool:
    held = claims.get(each.worker.name, set())
    return bool(held) and each.times_reached() >= len(held)


def refuse_unknown_workers(claims: Iterable[str | None], workers: Sequence[ParkedWorker]) -> None:
    """`Inconclusive` when `claimed_by` is not the name of an instance: owners are unknown then."""
    names = {each.worker.name for each in workers}
    if unknown := set(claims) - names:
        raise Inconclusive(
            f"exports are claimed by {sorted(map(str, unknown))}, but the workers are "
            f"{sorted(names)}: give the worker its name by {{instance}} in its environment"
        )


def _describe(
    absent: Sequence[ParkedWorker], claims: Mapping[str | None, set[str]], observed: ExportFacts
) -> str:
    if not absent:
        return f"workers still claim exports, {len(observed.exports)} were requested"
    each = absent[0]
    held = claims.get(each.worker.name, set())
    return (
        f"{len(absent)} are not there; {each.worker.name} is not {each.where}: it claimed "
        f"{len(held)} of {len(observed.exports)} exports, and its log names the failpoint "
        f"{each.times_reached()} times"
    )
