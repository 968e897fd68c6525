"""Every error, of every kind, is an RFC 9457 problem with the contract's members."""

import asyncio
import time
import uuid
from typing import Any

from contracts.conformance.database_outage import database_outage
from contracts.conformance.error_cases import ErrorCase, ErrorCases
from contracts.conformance.problems import expect_problem
from contracts.conformance.request_ids import expect_request_ids
from contracts.shared.resources.snapshot import take_snapshot
from harness.check import check
from harness.client import Answer, Client, Organization, Organizations, Route, Samples, together
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem, OwnSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

UNKNOWN_PATHS = ("/", "/api", "/nope", "/api/nope", "/api/jobs/{job}/nope", "/api/evidence", "/%00")
BACK_WITHIN_S = 20.0


@check(
    "contract.problem-details",
    "Errors of every kind are RFC 9457 problems with all members, and tell nothing internal",
    checklist="Verify the API against its contract",
    needs={Capability.ORGANIZATIONS},
    observes=120,
)
async def check_problem_details(
    org: Organization,
    organizations: Organizations,
    samples: Samples,
    target: Target,
    fresh_system: FreshSystem,
    observe: Observations,
    cover: Coverage,
) -> None:
    if target.contract.problem is not None:
        raise Inconclusive("this target's errors have a shape of their own ([contract.problem])")
    breakable = {Capability.SPAWN, Capability.DATABASE_CONTROL} <= target.capabilities()

    async def with_everything_there() -> None:
        cases = await ErrorCases.of(organizations, org, samples)
        for case in cases.cases():
            answer = await case.send()
            _expect_error_case(answer, case)
            observe(what="refusals")
            cover("problems", operation=answer.operation_id, status=str(answer.status))
        await _expect_unknown_paths(org.client, cases.job["id"])
        observe(len(UNKNOWN_PATHS), what="unknown paths")
        observe(await expect_request_ids(org.client, cases.job["id"]), what="request ids")

    async def without_a_database() -> None:
        async with fresh_system(api_instances=1, workers=0) as own:
            for answer in await _expect_outage_reported(own, samples):
                observe(what="during an outage")
                cover("problems", operation=answer.operation_id, status="503")

    await together([with_everything_there(), *([without_a_database()] if breakable else [])])
    if not breakable:
        raise Inconclusive(
            "whether an unavailable database is told as 503: this target gives no control of one"
        )


def _expect_error_case(answer: Answer, case: ErrorCase) -> None:
    what = f"for {case.what}"
    if answer.status < 400 and answer.status in case.statuses:
        return
    expect_problem(answer, *case.statuses, codes=case.codes, detail=what)
    problem = answer.document
    for name in case.headers:
        expect(answer.headers.get(name), expected=f"{name} {what}", got=answer.describe())
    if answer.status == 401:
        challenge = answer.headers.get("www-authenticate", "")
        expect(
            challenge.lower().startswith("bearer"),
            expected=f"WWW-Authenticate: Bearer {what}",
            got=f"{challenge!r} with {answer.describe()}",
        )
    if case.retryable is not None:
        expect_equal(
            problem["retryable"],
            case.retryable,
            f"`retryable` {what}",
            detail=answer.describe(),
        )
    if case.field:
        told = [text for each in problem.get("errors") or [] for text in each.values()]
        expect(
            any(isinstance(text, str | list) and case.field in text for text in told),
            expected=f"`errors` to tell of the field {case.field!r} {what}",
            got=answer.describe(),
        )


async def _expect_unknown_paths(client: Client, job_id: str) -> None:
    """A path that the document does not have is 404, whoever asks for it, by whatever method."""
    for number, template in enumerate(UNKNOWN_PATHS):
        path = template.replace("{job}", job_id)
        method = ("GET", "POST", "DELETE")[number % 3] if number > 1 else "GET"
        route = Route(operation_id=f"{method} {template}", method=method, template=path)
        answer = await client.transport.send(
            route,
            path,
            instance=number % client.instances,
            deadline_s=10,
            headers={"authorization": f"Bearer {client.token}"},
        )
        if number < 2 and answer.status < 400:
            continue  # a page at the root is nobody's concern
        expect_problem(answer, 404, 400 if "%" in path else 404, detail=f"{path} is no known path")


async def _expect_outage_reported(own: OwnSystem, samples: Samples) -> list[Answer]:
    """Without a database: 503 with Retry-After from whatever needs it, and nothing half-written."""
    org = await own.organizations.new()
    client = org.client
    job = await org.new_job()
    evidence = await client.new_evidence(job["id"], samples.new())
    export = await client.new_export(job["id"])
    before = await take_snapshot(client, job)
    sample, key = samples.new("application/pdf"), str(uuid.uuid4())
    job_path, export_path = {"job_id": job["id"]}, {"export_id": export["id"]}
    evidence_path, event_path = (
        {"evidence_id": evidence["id"]},
        {"event_id": evidence["ledger_event_id"]},
    )
    calls: list[tuple[str, dict[str, Any]]] = [
        ("createJob", {"json": {"title": "Lost"}}),
        ("listJobs", {}),
        ("getJob", {"path": job_path}),
        ("listEvidence", {"path": job_path}),
        ("getEvidence", {"path": evidence_path}),
        ("getEvidenceContent", {"path": evidence_path}),
        ("requestExport", {"path": {**job_path, "export_type": "ledger"}, "json": {"filters": {}}}),
        ("listExports", {"path": job_path}),
        ("getExport", {"path": export_path}),
        ("cancelExport", {"path": export_path}),
        ("retryExport", {"path": export_path}),
        ("downloadExport", {"path": export_path}),
        ("getManifest", {"path": export_path}),
        ("verifyManifest", {"json": {"export_id": export["id"]}}),
        ("listLedgerEvents", {}),
        ("getLedgerEvent", {"path": event_path}),
        ("verifyLedgerEvent", {"path": event_path}),
        ("ready", {}),
    ]
    async with database_outage(own.system):
        asked = [client.call(operation_id, **request) for operation_id, request in calls]
        asked.append(client.upload(job["id"], sample, key=key))
        answers = await together(asked)
        alive = await client.call("live")
    for answer in answers:
        what = f"{answer.operation_id} while the database is gone"
        expect_problem(answer, 503, detail=what)
        expect(
            answer.headers.get("retry-after"),
            expected=f"Retry-After on {what}",
            got=answer.describe(),
        )
        expect_equal(answer.document["retryable"], True, f"`retryable` of {what}")
    expect_status(alive, 200, detail="the process lives, whatever has become of its database")
    await _until_ready(client)
    expect_equal(await take_snapshot(client, job), before, "what there is after the outage")
    expect_equal(len(await client.listed("listJobs")), 1, "the number of jobs after the outage")
    again = expect_status(await client.upload(job["id"], sample, key=key), 201)
    expect(
        not again.flag("x-idempotency-replayed"),
        expected="an upload that met an outage to be done when it is repeated, not replayed",
        got=again.describe(),
    )
    return answers


async def _until_ready(client: Client) -> None:
    until = time.monotonic() + BACK_WITHIN_S
    while (answer := await client.call("ready")).status != 200:
        if time.monotonic() > until:
            raise CheckFailed(
                expected=f"/readyz to be 200 within {BACK_WITHIN_S:g} s after the database is back",
                got=answer.describe(),
            )
        await asyncio.sleep(0.05)
