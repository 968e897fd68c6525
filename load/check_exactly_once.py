"""Many users at once on a whole system: every accepted export is done, once."""

import hashlib
import math
import string
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from harness.check import check
from harness.checkers import ExportFacts, Looks, read_chains, read_exports
from harness.checkers.read_api import read_exports_over_http
from harness.client import Client, Organization, Organizations, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.history import CRASH, HistoryWriter, Operation
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.plugin.violations import report_violations
from harness.system import System
from harness.target import Capability, Target
from harness.target.tables.pace import Pace
from harness.untrusted.repr_digest import sha256_in
from harness.vocabulary.exports import READY, TERMINAL_STATES
from harness.waiting import becomes_true
from load.locust_run import FINISH_S, LocustRun, run_locust
from load.served import by_operation, expect_served
from load.users.downloads import download_problem, rule_of
from load.users.failures import read_failures

NEEDED = 20
"""Downloads that a pass rests on."""

USERS = 8
ORGANIZATIONS = 4

LEAST_S = 2.0
"""How long users run at least, counted from their first request."""

LEAST_DOWNLOADS = 30
"""How many exports they download at least, unless `MOST_S` is over."""

MOST_S = 15

EXPORT_WAIT_S = 30.0
"""How long a user waits for an export before it counts as failed."""

DRAIN_S = 15.0
"""How long the queue may take to empty after the last request."""

SECOND_LOOKS = 40
"""How many exports are downloaded again after the load."""

_POLL_S = 0.05


@check(
    "load.exactly-once",
    "Under load each accepted export is done once",
    checklist="Verify exports under load: none lost, none doubled",
    observes=NEEDED,
    needs={Capability.HTTP, Capability.TENANTS, Capability.LOAD},
)
async def check_exactly_once(
    organizations: Organizations,
    system: System,
    target: Target,
    report_dir: Path,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Let users of several organizations upload, export and download until enough is downloaded.

    Every export that was accepted is ready, once, with one `export.completed` event, within 15 s
    after the last request (longer with a slow `[pace]`). No organization has more exports in
    progress than its cap. Every request succeeded, and a download has the same right bytes under
    load and afterwards.
    """
    pace = target.pace
    enough = pace.amount(LEAST_DOWNLOADS, fewest=ORGANIZATIONS)
    if (missing := NEEDED - enough) > 0:
        observe.excuse(missing, pace.reason(enough, LEAST_DOWNLOADS))
    drain_s = pace.wait_s(DRAIN_S, USERS)
    made = await organizations.several(ORGANIZATIONS)
    tenants = dict(zip(string.ascii_uppercase, made, strict=False))
    tokens = {name: await tenant.client.valid_token() for name, tenant in tenants.items()}
    mark = organizations.transport.mark
    failures = system.run_dir / "failed-requests.jsonl"
    try:
        run = await run_locust(
            base_urls=[instance.base_url for instance in system.api],
            tokens=tokens,
            organizations={name: tenant.id for name, tenant in tenants.items()},
            users=USERS,
            at_most_s=most_s(pace, enough),
            is_enough=Enough(downloads=enough).take,
            export_wait_s=pace.wait_s(EXPORT_WAIT_S, USERS),
            finish_s=FINISH_S + pace.seconds_for(USERS),
            directory=report_dir,
            history=history.path,
            drill=history.drill,
            journal=system.journal,
            contract=target.contract,
            secrets=system.secrets,
            created=mark.file if mark else None,
            failures=failures,
            logs=[instance.log_path for instance in system.api],
        )
    finally:
        if mark is not None:
            mark.adopt({name: f"Bearer {token}" for name, token in tokens.items()})
    accepted = accepted_in(run.operations)
    owners = {export: tenants[name] for export, name in accepted.items()}
    async with reader(system, target, made, owners) as read:
        observed = await read_when_drained(read, drain_s)
    looks = Looks(history)
    looks.promise(cap=target.limits.per_org_in_progress, drain_s=drain_s)
    looks.exports(observed)
    if system.readonly_url is not None:
        async with Database(system.readonly_url) as database:
            looks.chains(await read_chains(database, target, [each.id for each in made]))
    if is_one_ready(observed):
        async with cells.of(operation="downloadExport", what="after the load"):
            ready = {export.id for export in observed.exports if export.state == READY}
            users = {each: owners[each] for each in accepted if each in ready}
            await download_again(looks, run.operations, users)
    await expect_done_once(cells, looks, observed, drain_s=drain_s)
    failed = read_failures(failures)
    for operation_id, operations in by_operation(run.operations).items():
        async with cells.of(operation=operation_id):
            for exchange in failed.get(operation_id, ()):
                recall(exchange)
            expect_served(operation_id, operations)
    expect_enough_seen(run, accepted, within_s=most_s(pace, enough))
    digests = digests_in(run.operations)
    observe(len(digests), what="exports accepted, ready and downloaded by users")


def most_s(pace: Pace, downloads: int) -> int:
    """How many seconds users run at most until they have downloaded so many exports."""
    return math.ceil(MOST_S + pace.seconds_for(downloads + USERS))


class Enough:
    """Whether users have run for long enough, and have downloaded enough."""

    def __init__(self, *, downloads: int = LEAST_DOWNLOADS) -> None:
        self._wanted = downloads
        self._began_ns: int | None = None
        self._downloaded: set[str] = set()

    def take(self, operations: Iterable[Operation]) -> bool:
        """Take what they did since the last time, and say whether it is enough."""
        for each in operations:
            if self._began_ns is None:
                self._began_ns = each.t_ns
            self._downloaded |= digests_in([each]).keys()
        if self._began_ns is None or len(self._downloaded) < self._wanted:
            return False
        return (time.monotonic_ns() - self._began_ns) / 1e9 >= LEAST_S


def accepted_in(operations: Iterable[Operation]) -> dict[str, str]:
    """The exports whose acceptance a user received, each with its organization's name."""
    return {
        operation.job: operation.org or ""
        for operation in operations
        if operation.f == "requestExport" and operation.type == "ok" and operation.job
    }


@asynccontextmanager
async def reader(
    system: System, target: Target, made: Sequence[Organization], owners: Mapping[str, Organization]
) -> AsyncIterator[Callable[[], Awaitable[ExportFacts]]]:
    """Give a function that reads the exports of these organizations: from the database, or HTTP.

    `owners` has the exports whose acceptance a user received.
    """
    if system.readonly_url is None or target.claim is None or target.ledger is None:
        yield partial(read_exports_over_http, made, owners)
        return
    async with Database(system.readonly_url) as database:
        yield partial(read_exports, database, target, [each.id for each in made])


async def read_when_drained(
    read: Callable[[], Awaitable[ExportFacts]], drain_s: float
) -> ExportFacts:
    """Wait until no export is live, `drain_s` at most; the checker reports what is still live."""

    async def is_drained() -> bool:
        return all(export.state in TERMINAL_STATES for export in (await read()).exports)

    await becomes_true(is_drained, drain_s, poll_s=_POLL_S)
    return await read()


def is_one_ready(observed: ExportFacts) -> bool:
    """Whether any export became ready, or none was there at all."""
    return not observed.exports or any(export.state == READY for export in observed.exports)


async def expect_done_once(
    cells: Cells, looks: Looks, observed: ExportFacts, *, drain_s: float
) -> None:
    """Report every kind in which exports were not done once, or more at a time than allowed."""
    what = "exports after the load"
    if not is_one_ready(observed):
        async with cells.of(what=what):
            with precondition("export.becomes-ready"):
                expect(
                    condition=False,
                    expected="exports of users to become ready",
                    got=f"none of {len(observed.exports)} within {drain_s:g} s after the last "
                    "request",
                )
        return
    # All of them, also those whose acceptance no user received: it had stopped before.
    found = looks.judge(what, ended=True, whole=True)
    await report_violations(
        cells,
        found,
        detail=f"{USERS} users of {ORGANIZATIONS} organizations",
        transitions=observed.transitions,
        what=what,
    )
    if looks.incomplete:
        raise Inconclusive("; ".join(looks.incomplete))


def expect_enough_seen(run: LocustRun, accepted: Mapping[str, str], *, within_s: int) -> None:
    """`Inconclusive` unless users of every organization got an export accepted."""
    crashes = [operation for operation in run.operations if operation.f == CRASH]
    if crashes:
        raise Inconclusive(
            f"{len(crashes)} rounds of users ended in an error of load/locustfile.py itself; the "
            f"first: {crashes[0].process}, {crashes[0].error}; locust's log is {run.output}"
        )
    if len(set(accepted.values())) < ORGANIZATIONS:
        raise Inconclusive(
            f"only the organizations {sorted(set(accepted.values()))} of {ORGANIZATIONS} got an "
            f"export accepted within {within_s} s; locust's last log lines:\n{run.last_lines}"
        )


def digests_in(operations: Iterable[Operation]) -> dict[str, str]:
    """The digest of each export that a user downloaded and found right."""
    return {
        operation.job: operation.sha256
        for operation in operations
        if operation.f == "downloadExport"
        and operation.type == "ok"
        and operation.job
        and operation.sha256
    }


async def download_again(
    looks: Looks,
    operations: Iterable[Operation],
    owners: Mapping[str, Organization],
) -> None:
    """Download exports after the load: they must be as right as under it, with the same bytes."""
    digests = digests_in(operations)
    # First those that no user has downloaded yet.
    chosen = sorted(owners, key=lambda export_id: export_id in digests)[:SECOND_LOOKS]
    got = await together((_download(owners[each].client, each) for each in chosen), at_once=8)
    for fields in got:
        looks.download(fields)


async def _download(client: Client, export_id: str) -> dict[str, Any]:
    """Download an export that is ready; give what a history says of it."""
    answer = (await client.download(export_id)).followed()
    fields: dict[str, Any] = {"job": export_id, "status": answer.status}
    if answer.status != 200:
        return fields | {"error": answer.describe()}
    declared = sha256_in(answer.headers.get("repr-digest"))
    problem = download_problem(answer, uploaded=None)
    return fields | {
        "sha256": hashlib.sha256(answer.body).hexdigest(),
        "declared": declared.hex() if declared else None,
        "may_lack": answer.may_lack_digest or answer.lacks_header("repr-digest"),
        "problem": _INSIDE.get(rule_of(problem), ""),
        "error": problem or None,
    }


_INSIDE = {"export.archive": "no-zip", "manifest.files-match": "files"}
"""What is wrong inside a download, by the rule that it breaks."""
