"""Every error, of every kind, is an RFC 9457 problem with the contract's members."""

from contracts.conformance.database_outage import look_at_an_outage
from contracts.conformance.error_cases import ErrorCase, ErrorCases
from contracts.conformance.problems import expect_problem
from contracts.conformance.request_ids import look_at_request_ids
from harness.check import check
from harness.client import (
    AbsentOperation,
    Answer,
    Client,
    Organization,
    Organizations,
    Route,
    Samples,
    together,
)
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

UNKNOWN_PATHS = ("/", "/api", "/nope", "/api/nope", "/api/jobs/{job}/nope", "/api/evidence", "/%00")


@check(
    "contract.problem-details",
    "Errors are RFC 9457 problems without internals",
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
    cells: Cells,
) -> None:
    """Cause every kind of error that the contract names, and unknown paths.

    Each answer must be `application/problem+json` with all members of the contract, the right
    status, code and headers, and must not show a traceback, SQL or a path of the server.
    Every answer has an X-Request-ID: the client's own one if it is valid, else a new one.
    While the database is down, whatever needs it answers 503 with Retry-After. Errors of another
    form (`[contract.problem]`) are judged by what they have a place for.
    """
    has_database_control = {
        Capability.SPAWN,
        Capability.DATABASE_CONTROL,
    } <= target.capabilities()

    async def in_normal_operation() -> None:
        cases = await ErrorCases.of(organizations, org, samples)
        for case in cases.all():
            async with cells.of(case=case.name):
                try:
                    answer = await case.send()
                except AbsentOperation as absent:
                    observe.excuse(1, str(absent))
                    continue
                _expect_error_case(answer, case)
                observe(what="refusals")
                cover("problems", operation=answer.operation_id, status=str(answer.status))
        for number, template in enumerate(UNKNOWN_PATHS):
            async with cells.of(path=template):
                await _expect_unknown_path(org.client, template, number, cases.job["id"])
                observe(what="unknown paths")
        observe(await look_at_request_ids(cells, org.client, cases.job["id"]), what="request ids")

    async def in_an_outage() -> None:
        async with fresh_system(api_instances=1, workers=0) as own:
            for answer in await look_at_an_outage(cells, own, samples):
                observe(what="during an outage")
                cover("problems", operation=answer.operation_id, status="503")

    await together([in_normal_operation(), *([in_an_outage()] if has_database_control else [])])
    if not has_database_control:
        raise Inconclusive(
            "errors during a database outage were not checked: this target gives no control of "
            "its database"
        )


def _expect_error_case(answer: Answer, case: ErrorCase) -> None:
    what = f"for {case.name}"
    if answer.status < 400 and answer.status in case.statuses:
        return
    if answer.redirected_by is not None:
        expect_status(answer, *case.statuses, detail=what)
        return  # what a signed address answers is no error of the API
    answer = expect_problem(answer, *case.statuses, codes=case.codes, detail=what)
    problem, subject = answer.document, answer.operation_id
    for name in case.headers:
        if answer.lacks_header(name):
            continue
        expect(
            answer.headers.get(name),
            expected=f"header {name} {what}",
            got=answer.describe(),
            rule=f"header.{name}",
            subject=subject,
        )
    if answer.status == 401 and not answer.lacks_header("www-authenticate"):
        challenge = answer.headers.get("www-authenticate", "")
        expect(
            challenge.lower().startswith("bearer"),
            expected=f"WWW-Authenticate: Bearer {what}",
            got=f"{challenge!r} with {answer.describe()}",
            rule="header.www-authenticate",
            subject=subject,
        )
    if case.retryable is not None and not answer.lacks_member("retryable"):
        expect_equal(
            problem["retryable"],
            case.retryable,
            f"`retryable` {what}",
            detail=answer.describe(),
            rule="problem.code",
            subject=subject,
        )
    if case.field and not answer.lacks_member("errors"):
        texts = [text for each in problem.get("errors") or [] for text in each.values()]
        expect(
            any(isinstance(text, str | list) and case.field in text for text in texts),
            expected=f"`errors` that names the field {case.field!r} {what}",
            got=answer.describe(),
            rule="problem.code",
            subject=f"{case.field} in {subject}",
        )


async def _expect_unknown_path(client: Client, template: str, number: int, job_id: str) -> None:
    """Fail unless a path that the document does not have answers 404 to every method."""
    path = template.replace("{job}", job_id)
    method = ("GET", "POST", "DELETE")[number % 3] if number > 1 else "GET"
    route = Route(operation_id=f"{method} {template}", method=method, template=path)
    answer = await client.transport.send(
        route,
        path,
        instance=number % client.instances,
        deadline_s=10,
        headers=await client.authorization(),
    )
    if number < 2 and answer.status < 400:
        return  # a page at the root is allowed
    expect_problem(answer, 404, 400 if "%" in path else 404, detail=f"unknown path {path}")
