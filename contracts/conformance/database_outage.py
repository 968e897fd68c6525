"""A database that refuses every connection for a while, and what the API must answer then."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from psycopg import sql
from psycopg.conninfo import make_conninfo

from contracts.conformance.problems import expect_problem
from contracts.shared.resources.sealed_event import sealed_event_id
from contracts.shared.resources.snapshot import take_snapshot
from harness.client import Answer, Client, Samples, together
from harness.database import NO_CONTROL, Database
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import Recent, recall, remembering
from harness.plugin.cells import Cells
from harness.plugin.fixtures import OwnSystem
from harness.system import System
from harness.waiting import wait_until

READY_WITHIN_S = 20.0

DURING = "database outage"

_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@asynccontextmanager
async def database_outage(system: System) -> AsyncIterator[None]:
    """Inside the block no client can connect to the system's database; open connections are closed.

    The system must belong to the check alone; the server and its other databases stay up.
    """
    if system.control_url is None or system.database.name is None:
        raise Inconclusive(NO_CONTROL)
    name = system.database.name
    maintenance = Database(make_conninfo(system.control_url, dbname="postgres"), writable=True)
    async with maintenance.connect() as connection:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        await connection.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        try:
            await connection.execute(_TERMINATE, [name])
            yield
        finally:
            await connection.execute(allow.format(sql.Identifier(name), sql.Literal(True)))


async def look_at_an_outage(cells: Cells, own: OwnSystem, samples: Samples) -> list[Answer]:
    """Look whether every operation that needs the database answers 503 with Retry-After.

    Nothing may be half-written afterwards, and a repeated upload must succeed. Returns the answers
    that are right.
    """
    org = await own.organizations.new()
    client = org.client
    job = await org.new_job()
    evidence = await client.new_evidence(job["id"], samples.new())
    export = await client.new_export(job["id"])
    before = await take_snapshot(client, job)
    sample, key = samples.new("application/pdf"), str(uuid.uuid4())
    of_job, of_export = {"path": {"job_id": job["id"]}}, {"path": {"export_id": export["id"]}}
    of_evidence = {"path": {"evidence_id": evidence["id"]}}
    of_event = {"path": {"event_id": await sealed_event_id(client, evidence)}}
    wanted = {"job_id": job["id"], "export_type": client.light_type}
    new_export = {"path": wanted, "json": {"filters": {}}}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("createJob", {"json": {"title": "Lost"}}),
        ("listJobs", {}),
        ("getJob", of_job),
        ("listEvidence", of_job),
        ("getEvidence", of_evidence),
        ("getEvidenceContent", of_evidence),
        ("requestExport", new_export),
        ("listExports", of_job),
        ("getExport", of_export),
        ("cancelExport", of_export),
        ("retryExport", of_export),
        ("downloadExport", of_export),
        ("getManifest", of_export),
        ("verifyManifest", {"json": {"export_id": export["id"]}}),
        ("listLedgerEvents", {}),
        ("getLedgerEvent", of_event),
        ("verifyLedgerEvent", of_event),
        ("ready", {}),
    ]
    answers: list[Answer] = []

    wrong: list[tuple[CheckFailed, Recent]] = []

    async def ask(asked: Awaitable[Answer]) -> None:
        with remembering() as recent:
            try:
                answer = await asked
                _expect_unavailable(answer)
            except CheckFailed as failure:
                wrong.append((failure, recent))
            else:
                answers.append(answer)

    async with database_outage(own.system):
        present = [(name, request) for name, request in calls if client.has(name)]
        await together(
            [
                *(ask(client.call(name, **request)) for name, request in present),
                ask(client.upload(job["id"], sample, key=key)),
            ]
        )
        if client.has("live"):
            async with cells.of(operation="live", what=DURING):
                alive = await client.call("live")
                expect_status(alive, 200, detail="/livez must not depend on the database")
    await _report(cells, wrong)
    is_back = False
    async with cells.of(what="ready after the database outage"):
        await wait_until(
            partial(_is_ready, client),
            READY_WITHIN_S,
            "/readyz to answer 200",
            poll_s=0.05,
            error=lambda message: CheckFailed("the API to be ready after the outage", message),
        )
        is_back = True
    if is_back:
        async with cells.of(what="data after the database outage"):
            after = await take_snapshot(client, job)
            expect_equal(after, before, "records and events after the outage")
            expect_equal(len(await client.listed("listJobs")), 1, "number of jobs after the outage")
        async with cells.of(operation="uploadEvidence", what="repeated after the database outage"):
            again = expect_status(await client.upload(job["id"], sample, key=key), 201)
            expect(
                not again.flag("x-idempotency-replayed"),
                expected="an upload that failed in the outage to be stored, not replayed, when "
                "repeated",
                got=again.describe(),
            )
    return answers


async def _report(cells: Cells, wrong: Sequence[tuple[CheckFailed, Recent]]) -> None:
    """Make one finding of each rule: which operations meet it first is a matter of timing."""
    by_rule: dict[str, list[tuple[CheckFailed, Recent]]] = {}
    for failure, recent in sorted(wrong, key=lambda each: each[0].subject):
        by_rule.setdefault(failure.rule, []).append((failure, recent))
    for rule, found in by_rule.items():
        first, recent = found[0]
        async with cells.of(what=DURING):
            for exchange in recent.last(1):
                recall(exchange)
            raise CheckFailed(
                first.expected,
                first.got,
                "\n".join([first.detail, *(f"also: {each.got}" for each, _ in found[1:])]),
                rule=rule,
                aspect="",
            )
    if not wrong:
        async with cells.of(what=DURING):
            pass


def _expect_unavailable(answer: Answer) -> None:
    """Fail unless it is a 503 that says when to come back; another 5xx breaks a rule of all."""
    what = f"{answer.operation_id} during a database outage"
    expect_problem(answer, 503, detail=what)
    expect(
        answer.lacks_header("retry-after") or answer.headers.get("retry-after"),
        expected=f"a Retry-After header from {what}",
        got=answer.describe(),
        rule="header.retry-after",
        subject=answer.operation_id,
    )
    if answer.lacks_member("retryable"):
        return
    expect_equal(
        answer.document["retryable"],
        True,
        f"`retryable` from {what}",
        rule="problem.code",
        subject=answer.operation_id,
    )


async def _is_ready(client: Client) -> bool:
    """Whether it says so; one that cannot say lists jobs again."""
    return (await client.call("ready" if client.has("ready") else "listJobs")).status == 200
