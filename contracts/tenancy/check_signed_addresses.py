"""Who may download: clients with a valid token or, after a redirect, with its address."""

from collections.abc import Mapping
from dataclasses import replace

from contracts.shared.tenants.populated_tenant import PopulatedTenant, populate
from contracts.tenancy.requests.address_cells import RedirectedDownload
from contracts.tenancy.requests.expectations import expect_challenge
from harness.check import check
from harness.client import Answer, Client, Organization, Organizations, Samples, together
from harness.client.caller import DEADLINE_S
from harness.errors import Inconclusive
from harness.expect import expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Target
from harness.target.contract.redirects import REDIRECTED

CASES = 4
"""Of each download: two methods and two places of a token; or what an address may not do."""


@check(
    "tenancy.signed-addresses",
    "Only a token or a signed address downloads",
    checklist="Verify that downloads are private",
    observes=CASES * len(REDIRECTED),
    deadline_s=120,
)
async def check_signed_addresses(
    org: Organization,
    organizations: Organizations,
    samples: Samples,
    target: Target,
    observe: Observations,
    cells: Cells,
) -> None:
    """Ask for every download without a token, and with one in the URL, where logs keep it.

    Where the API redirects to a signed address: it holds no token, is refused when its signature
    or its object is changed, by GET and HEAD, and stops working within its declared seconds.
    """
    own, other = await populate(org, samples), await populate(org, samples)
    no_token, redirects = organizations.with_token(None), target.contract.redirects

    async def look_at(operation_id: str) -> None:
        path = path_of(operation_id, own)
        asked: list[Answer] = []
        async with cells.of(operation=operation_id, token="member"):
            answer = await org.client.call(operation_id, path=path, follow=False)
            asked.append(expect_status(answer, 200, 206))
        for answer in asked:
            if answer.is_redirect and redirects is not None:
                download = RedirectedDownload(
                    client=org.client,
                    operation_id=operation_id,
                    own=path,
                    other=path_of(operation_id, other),
                    names_of_other=await shown_of(org.client, other),
                    expires_s=redirects.expires_s,
                    cells=cells,
                    observe=lambda: observe(what="signed addresses"),
                )
                await download.look_at(answer)
            else:
                await look_at_refusals(cells, observe, no_token, org, operation_id, path)

    present = [name for name in REDIRECTED if org.client.has(name)]
    await together(look_at(operation_id) for operation_id in present)
    observe.excuse(CASES * (len(REDIRECTED) - len(present)), "downloads that are absent")
    if not present:
        raise Inconclusive("the target declares every download absent ([contract] absent)")


def path_of(operation_id: str, tenant: PopulatedTenant) -> Mapping[str, str]:
    """The path parameters of a download of what a tenant has."""
    if operation_id == "getEvidenceContent":
        return {"evidence_id": tenant.values["evidence"][0]}
    return {"export_id": tenant.values["export"][0]}


async def shown_of(client: Client, tenant: PopulatedTenant) -> frozenset[str]:
    """Every text that the API shows of a tenant's evidence and export."""
    evidence = await client.call("getEvidence", path={"evidence_id": tenant.values["evidence"][0]})
    export = await client.get_export(tenant.values["export"][0])
    records = (expect_status(evidence, 200).data, export)
    return frozenset(text for one in records for text in one.values() if isinstance(text, str))


async def look_at_refusals(
    cells: Cells,
    observe: Observations,
    no_token: Client,
    org: Organization,
    operation_id: str,
    path: Mapping[str, str],
) -> None:
    """Judge that bytes which the API gives itself need a token in its place."""
    route = no_token.routes[operation_id]
    for method in ("GET", "HEAD"):
        async with cells.of(operation=operation_id, token="none", method=method):
            answer = await no_token.transport.send(
                route if method == "GET" else replace(route, method=method),
                route.path(path),
                instance=None,
                deadline_s=DEADLINE_S,
                headers={},
            )
            expect_refused(answer, f"{method} without a token")
            observe(what="without a token")
    for name in ("token", "access_token"):
        async with cells.of(operation=operation_id, token=f"as ?{name}="):
            token = org.tokens[org.roles[0]]
            answer = await no_token.call(operation_id, path=path, query={name: token}, follow=False)
            expect_refused(answer, f"a token as ?{name}=")
            observe(what="a token in the URL")


def expect_refused(answer: Answer, what: str) -> None:
    """Fail unless a request is refused for want of a token."""
    expect_status(answer, 401, detail=what, rule="token.required")
    expect_challenge(answer, what)
