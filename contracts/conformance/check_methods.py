"""A known path with a wrong method: 405 with Allow, and nothing has happened."""

from dataclasses import dataclass
from uuid import uuid4

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.problems import expect_problem
from contracts.shared.resources.snapshot import take_snapshot
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Route, Samples, together
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

ORDINARY = ("GET", "POST", "PUT", "PATCH", "DELETE")
STRANGE = ("TRACE", "PROPFIND", "QUERY", "BREW")
"""Methods that hardly any server knows: any refusal will do, as long as it is one."""

BODY = b'{"title":"changed","state":"canceled","filters":{},"organization_id":null}'
AT_ONCE = 12


@dataclass(frozen=True, kw_only=True)
class Path:
    """One path of the document with real ids in it."""

    template: str
    methods: frozenset[str]
    filled: Route
    absent: Route
    """The same with ids of nothing; the same route where it has none."""


@check(
    "contract.methods",
    "A known path refuses every method that is not its own with 405 and Allow, and does nothing",
    checklist="Verify the API against its contract",
    needs={Capability.ORGANIZATIONS},
    observes=70,  # 109 on the contract's own paths; a dialect may have several at one
)
async def check_methods(
    org: Organization,
    other_org: Organization,
    samples: Samples,
    target: Target,
    observe: Observations,
    cover: Coverage,
) -> None:
    document = Document.of(target)
    job = await org.new_job()
    evidence = await org.client.new_evidence(job["id"], samples.new())
    export_id = (await org.client.new_export(job["id"]))["id"]
    export = await org.client.wait_for_export(export_id)
    before = await _everything(org.client, job, evidence, export)
    paths = _paths(document, job, evidence, export)

    async def refused(path: Path, method: str, number: int) -> None:
        await _expect_refused(org.client, path, method, number)
        observe(what="wrong methods")
        cover("methods", path=path.template, method=method)

    wrong = [(path, method) for path in paths for method in ORDINARY if method not in path.methods]
    await together(
        (refused(path, method, number) for number, (path, method) in enumerate(wrong)),
        at_once=AT_ONCE,
    )
    for number, path in enumerate(paths):
        await _expect_head(org.client, path, number)
        await _expect_options(org.client, path, number)
        method = STRANGE[number % len(STRANGE)]
        answer = await _send(org.client, path.filled, method, number)
        expect(
            400 <= answer.status <= 501 and answer.status != 500,
            expected=f"{method} {path.template} to be refused as unknown",
            got=answer.describe(),
        )
        observe(what="other methods")
    for number, (path, method) in enumerate(wrong):
        if path.filled != path.absent and number % 3 == 0:
            await _expect_foreign_as_absent(other_org.client, path, method, number)
    await _expect_weak_tokens_refused(org, paths)
    expect_equal(
        await _everything(org.client, job, evidence, export),
        before,
        "what the organization has after requests with wrong methods",
    )


async def _expect_refused(client: Client, path: Path, method: str, number: int) -> None:
    answer = await _send(client, path.filled, method, number)
    what = (
        f"{method} {path.template}, which the document lists {', '.join(sorted(path.methods))} for"
    )
    expect_problem(answer, 405, detail=what)
    allowed = _methods_of(answer.headers.get("allow", ""))
    missing, wrong = path.methods - allowed, (allowed & set(ORDINARY)) - path.methods
    if missing or wrong:
        raise CheckFailed(
            expected=f"Allow to name {', '.join(sorted(path.methods))} for {path.template}",
            got=f"{answer.headers.get('allow')!r} with {answer.describe()}",
            detail=what,
        )


async def _expect_head(client: Client, path: Path, number: int) -> None:
    """HEAD is either as good as GET, or refused like any other wrong method."""
    answer = await _send(client, path.filled, "HEAD", number)
    expect(not answer.body, expected="no body in an answer to HEAD", got=answer.describe())
    if "GET" not in path.methods or answer.status == 405:
        expect_status(answer, 405, detail=f"HEAD {path.template}")
        allowed = _methods_of(answer.headers.get("allow", ""))
        expect(
            path.methods <= allowed,
            expected=f"Allow to name {', '.join(sorted(path.methods))} for {path.template}",
            got=f"{answer.headers.get('allow')!r} with {answer.describe()}",
        )
        return
    shown = await _send(client, path.filled, "GET", number)
    kind = "content-type"
    expect_equal(
        (answer.status, answer.headers.get(kind)),
        (shown.status, shown.headers.get(kind)),
        f"status and Content-Type of HEAD {path.template}, against GET",
    )


async def _expect_options(client: Client, path: Path, number: int) -> None:
    """OPTIONS may be there for browsers; where it says what is allowed, it says the truth."""
    answer = await _send(client, path.filled, "OPTIONS", number)
    allowed = _methods_of(answer.headers.get("allow", ""))
    expect(
        answer.status < 500 or answer.status == 501,
        expected=f"OPTIONS {path.template} to be answered or refused",
        got=answer.describe(),
    )
    expect(
        answer.status != 405 or path.methods <= allowed,
        expected=f"Allow to name {', '.join(sorted(path.methods))} for {path.template}",
        got=f"{answer.headers.get('allow')!r} with {answer.describe()}",
    )


async def _expect_foreign_as_absent(client: Client, path: Path, method: str, number: int) -> None:
    """A wrong method must not tell whether somebody else has the thing."""
    foreign, absent = await together(
        _send(client, route, method, number) for route in (path.filled, path.absent)
    )
    expect_equal(
        (foreign.status, foreign.code, foreign.headers.get("allow")),
        (absent.status, absent.code, absent.headers.get("allow")),
        f"status, code and Allow of {method} {path.template} for another organization's id, "
        "against those for a random one",
    )


async def _expect_weak_tokens_refused(org: Organization, paths: list[Path]) -> None:
    """A viewer, or nobody, with a wrong method: whichever is found first, it is a refusal."""
    nobody = Client(transport=org.client.transport, routes=org.client.routes, token=None)
    for number, path in enumerate(paths):
        method = next(method for method in reversed(ORDINARY) if method not in path.methods)
        for client, statuses in ((org.as_role("viewer"), (405, 403)), (nobody, (405, 401))):
            answer = await _send(client, path.filled, method, number)
            expect_problem(answer, *statuses, detail=f"{method} {path.template}")


async def _everything(client: Client, job: Record, evidence: Record, export: Record) -> object:
    shown = await together(
        client.call(operation_id, path=path)
        for operation_id, path in (
            ("getJob", {"job_id": job["id"]}),
            ("getEvidence", {"evidence_id": evidence["id"]}),
            ("getExport", {"export_id": export["id"]}),
        )
    )
    jobs = await client.listed("listJobs")
    return [expect_status(each, 200).data for each in shown], jobs, await take_snapshot(client, job)


async def _send(client: Client, route: Route, method: str, number: int) -> Answer:
    body = BODY if method in ("POST", "PUT", "PATCH", "DELETE") else None
    headers = {} if client.token is None else {"authorization": f"Bearer {client.token}"}
    if body is not None:
        headers |= {"content-type": "application/json", "idempotency-key": f"wrong-{number}"}
    return await client.transport.send(
        Route(operation_id=f"{method} {route.template}", method=method, template=route.template),
        route.template,
        instance=number % client.instances,
        deadline_s=10,
        headers=headers,
        body=body,
    )


def _paths(document: Document, job: Record, evidence: Record, export: Record) -> list[Path]:
    values = {
        "job_id": job["id"],
        "evidence_id": evidence["id"],
        "export_id": export["id"],
        "event_id": evidence["ledger_event_id"],
        "export_type": "proof-pack",
    }
    methods: dict[str, set[str]] = {}
    for operation in document.operations.values():
        path = operation.template.partition("?")[0]
        methods.setdefault(path, set()).add(operation.method)
    return [
        Path(
            template=template,
            methods=frozenset(known),
            filled=_route(template, values),
            absent=_route(
                template,
                {
                    name: str(uuid4()) if name.endswith("_id") else each
                    for name, each in values.items()
                },
            ),
        )
        for template, known in methods.items()
    ]


def _route(template: str, values: dict[str, str]) -> Route:
    plain = Route(operation_id=template, method="GET", template=template)
    filled = plain.path({name: values.get(name, "x") for name in plain.parameters})
    return Route(operation_id=template, method="GET", template=filled)


def _methods_of(allow: str) -> frozenset[str]:
    return frozenset(each.strip() for each in allow.split(",") if each.strip())
