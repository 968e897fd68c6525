"""A known path with a wrong method: 405 with Allow, and nothing has changed."""

from dataclasses import dataclass
from uuid import uuid4

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.rules.names import METHOD
from contracts.conformance.problems import expect_problem
from contracts.shared.resources.sealed_event import sealed_event_id
from contracts.shared.resources.snapshot import take_snapshot
from harness.check import check
from harness.client import Answer, Client, Organization, Record, Route, Samples, together
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

STANDARD = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNUSUAL = ("TRACE", "PROPFIND", "QUERY", "BREW")
"""Methods that few servers know: any refusal is accepted."""

BODY = b'{"title":"changed","state":"canceled","filters":{},"organization_id":null}'
AT_ONCE = 12


@dataclass(frozen=True, kw_only=True)
class Path:
    """One path of the document with real ids in it."""

    template: str
    methods: frozenset[str]
    real: str
    """The path of things that exist."""
    unknown: str
    """The same path with random ids; equal to `real` where the path has no ids."""

    @property
    def wrong_methods(self) -> list[str]:
        """The standard methods that the document does not list for this path."""
        return [method for method in STANDARD if method not in self.methods]


@check(
    "contract.methods",
    "Wrong methods get 405 with Allow, change nothing",
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
    cells: Cells,
) -> None:
    """Send every path of the document every standard method that it does not list.

    Each answer must be a 405 problem whose Allow names exactly the listed methods. HEAD must agree
    with GET, OPTIONS must name the truth, unusual methods are refused. Another organization gets
    the same answer as for a random id, and afterwards nothing of the organization has changed.
    """
    document = Document.of(target)
    job = await org.new_job()
    evidence = await org.client.new_evidence(job["id"], samples.new())
    export_id = (await org.client.new_export(job["id"]))["id"]
    export = await org.client.wait_for_export(export_id)
    before = await _everything(org.client, job, evidence, export)
    event_id = await sealed_event_id(org.client, evidence)
    paths = _paths(document, job, evidence, export, event_id)

    async def refused(path: Path, method: str, number: int) -> None:
        async with cells.of(path=path.template, method=method):
            await _expect_refused(org.client, path, method, number)
            observe(what="wrong methods")
            cover("methods", path=path.template, method=method)

    wrong = [(path, method) for path in paths for method in path.wrong_methods]
    await together(
        (refused(path, method, number) for number, (path, method) in enumerate(wrong)),
        at_once=AT_ONCE,
    )
    for number, path in enumerate(paths):
        async with cells.of(path=path.template, method="HEAD"):
            await _expect_head(org.client, path, number)
        async with cells.of(path=path.template, method="OPTIONS"):
            await _expect_options(org.client, path, number)
        async with cells.of(path=path.template, method="an unusual one"):
            await _expect_unusual_refused(org.client, path, number)
            observe(what="other methods")
    for number, (path, method) in enumerate(wrong):
        if path.real != path.unknown and number % 3 == 0:
            async with cells.of(path=path.template, method=method, id="foreign"):
                await _expect_foreign_like_unknown(other_org.client, path, method, number)
    for number, path in enumerate(paths):
        if path.wrong_methods:
            await _weak_tokens(cells, org, path, number)
    async with cells.of(what="data after requests with wrong methods"):
        after = await _everything(org.client, job, evidence, export)
        what = "data of the organization after requests with wrong methods"
        expect_equal(after, before, what, rule=METHOD)


async def _expect_refused(client: Client, path: Path, method: str, number: int) -> None:
    answer = await _send(client, path, method, number)
    what = f"{method} {path.template}: the document lists {', '.join(sorted(path.methods))}"
    if answer.status != 405:
        expect_status(answer, 405, detail=what, rule=METHOD, subject=f"{method} {path.template}")
    expect_problem(answer, 405, detail=what, subject=f"{method} {path.template}")
    _expect_allow(answer, path, exact=True)


def _expect_allow(answer: Answer, path: Path, *, exact: bool = False) -> None:
    """Fail unless Allow names the path's methods; if `exact`, no other standard ones."""
    if answer.lacks_header("allow"):
        return
    allow = answer.headers.get("allow", "")
    named = frozenset(each.strip() for each in allow.split(",") if each.strip())
    surplus = (named & set(STANDARD)) - path.methods if exact else set()
    expect(
        path.methods <= named and not surplus,
        expected=f"Allow: {', '.join(sorted(path.methods))} for {path.template}",
        got=f"{allow!r} with {answer.describe()}",
        rule=METHOD,
    )


async def _expect_head(client: Client, path: Path, number: int) -> None:
    """Fail unless HEAD agrees with GET, or is refused like any other wrong method."""
    answer = await _send(client, path, "HEAD", number)
    expect(
        not answer.body,
        expected=f"no body in the answer to HEAD {path.template}",
        got=answer.describe(),
    )
    if "GET" not in path.methods or answer.is_a(405):
        expect_status(answer, 405, detail=f"HEAD {path.template}", rule=METHOD)
        _expect_allow(answer, path)
        return
    shown = await _send(client, path, "GET", number)
    kind = "content-type"
    expect_equal(
        (answer.sent.status, answer.headers.get(kind)),
        (shown.sent.status, shown.headers.get(kind)),
        f"status and Content-Type of HEAD {path.template}, compared with GET",
    )


async def _expect_unusual_refused(client: Client, path: Path, number: int) -> None:
    """Fail unless a method that few servers know is refused, in any way but by a crash."""
    method = UNUSUAL[number % len(UNUSUAL)]
    answer = await _send(client, path, method, number)
    expect(
        400 <= answer.status <= 501 and answer.status != 500,
        expected=f"{method} {path.template} to be refused as unknown",
        got=answer.describe(),
    )


async def _expect_options(client: Client, path: Path, number: int) -> None:
    """Fail if OPTIONS breaks the server, or is a 405 whose Allow is wrong."""
    answer = await _send(client, path, "OPTIONS", number)
    expect(
        answer.status < 500 or answer.status == 501,
        expected=f"OPTIONS {path.template} to be answered or refused",
        got=answer.describe(),
    )
    if answer.is_a(405):
        _expect_allow(answer, path)


async def _expect_foreign_like_unknown(
    client: Client, path: Path, method: str, number: int
) -> None:
    """Fail if the answer to a wrong method shows whether another organization has the thing."""
    foreign, unknown = await together(
        _send(client, path, method, number, is_unknown=each) for each in (False, True)
    )
    expect_equal(
        (foreign.status, foreign.code, foreign.headers.get("allow")),
        (unknown.status, unknown.code, unknown.headers.get("allow")),
        f"status, code and Allow of {method} {path.template} for another organization's id, "
        "compared with a random id",
        rule="tenancy.foreign-looks-unknown",
        subject=f"{method} {path.template}",
    )


async def _weak_tokens(cells: Cells, org: Organization, path: Path, number: int) -> None:
    """A wrong method by a viewer, or without a token, is refused for either reason."""
    no_token = Client(transport=org.client.transport, routes=org.client.routes, token=None)
    method = path.wrong_methods[-1]
    for token, client, statuses in (
        ("viewer", org.as_role("viewer"), (405, 403)),
        ("none", no_token, (405, 401)),
    ):
        async with cells.of(path=path.template, method=method, token=token):
            answer = await _send(client, path, method, number)
            if answer.status not in statuses:
                expect_status(answer, *statuses, rule=METHOD, subject=f"{method} {path.template}")
            expect_problem(
                answer, *statuses, detail=f"{method} {path.template}", subject=path.template
            )


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


async def _send(
    client: Client, path: Path, method: str, number: int, *, is_unknown: bool = False
) -> Answer:
    sent = path.unknown if is_unknown else path.real
    body = BODY if method in ("POST", "PUT", "PATCH", "DELETE") else None
    headers = await client.authorization()
    if body is not None:
        headers |= {"content-type": "application/json", "idempotency-key": f"wrong-{number}"}
    return await client.transport.send(
        Route(operation_id=f"{method} {path.template}", method=method, template=sent),
        sent,
        instance=number % client.instances,
        deadline_s=10,
        headers=headers,
        body=body,
    )


def _paths(
    document: Document, job: Record, evidence: Record, export: Record, event_id: str
) -> list[Path]:
    real = {
        "job_id": job["id"],
        "evidence_id": evidence["id"],
        "export_id": export["id"],
        "event_id": event_id,
    }
    unknown = {name: str(uuid4()) for name in real}
    methods: dict[str, set[str]] = {}
    for operation in document.operations.values():
        path = operation.template.partition("?")[0]
        methods.setdefault(path, set()).add(operation.method)
    return [
        Path(
            template=template,
            methods=frozenset(known),
            real=_fill(template, real),
            unknown=_fill(template, unknown),
        )
        for template, known in methods.items()
    ]


def _fill(template: str, ids: dict[str, str]) -> str:
    route = Route(operation_id=template, method="GET", template=template)
    values = {"export_type": "proof-pack", **ids}
    return route.path({name: values.get(name, "x") for name in route.parameters})
