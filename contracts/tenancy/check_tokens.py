"""Only valid tokens are accepted, on every operation that requires one."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import PopulatedTenant, populate_all
from contracts.tenancy.requests.credentials import Credential, invalid_or_forged_credentials
from contracts.tenancy.requests.expectations import (
    LOOKS_UNKNOWN,
    expect_challenge,
    expect_no_leak,
    expect_status_in,
)
from contracts.tenancy.requests.forgeries import Forger
from contracts.tenancy.requests.key_listener import KeyListener, attacking_keys
from contracts.tenancy.requests.request_shapes import (
    PreparedRequest,
    RequestShape,
    expect_buildable,
    shapes_by_protection,
)
from contracts.tenancy.requests.unchanged import expect_unchanged
from harness.check import check
from harness.client import Client, Organizations, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

AT_ONCE = 8
SUCCESS = frozenset(range(200, 300))
NO_SERVER_ERROR = frozenset(range(200, 500))
A_FEW = ("listJobs", "createJob", "downloadExport")
"""A list, a write and a download, on which every credential is tried."""

BYPASS_OPERATIONS = ("listJobs", "getJob", "downloadExport")
PATH_BYPASSES: Mapping[str, Callable[[str], str]] = {
    "a slash more": lambda path: f"{path}/",
    "two slashes": lambda path: f"/{path}",
    "two slashes within": lambda path: path.replace("/", "//"),
    "upper case": str.upper,
    "an escaped letter": lambda path: path.replace("/a", "/%61", 1),
    "a dot": lambda path: f"/.{path}",
    "a detour": lambda path: f"/livez/..{path}",
    "an escaped detour": lambda path: f"/livez/%2e%2e{path}",
    "a parameter": lambda path: f"{path};x=/livez",
}
"""Paths that authentication may treat as public and a router as the protected one."""

ADDRESSES = ("jku", "x5u", "kid")
"""Members of a token's header that may be an address."""

PUBLIC = 5
"""Operations of the contract without a token."""

DATABASE_ROLES = ("anon", "service_role", "postgres", "", None, ["service_role"])
"""Values of the claim `role` that a backend must not use as its database role."""

NOT_REACHED = (
    "the backend cannot reach a server of this machine's, so whether it fetches keys from an "
    "address in a token's header was not seen: let one instance run on loopback (or let Shakedown "
    "start it), and ask that one"
)


@check(
    "tenancy.tokens",
    "Invalid tokens are refused on every operation",
    checklist="Verify authentication",
    observes=548 + 3 * 9,
    needs={Capability.TENANTS},
)
async def check_tokens(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    system: System,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Call every protected operation with invalid credentials: none, forged, expired, misplaced.

    Each is refused with the contract's status, and a 401 has a challenge. A claim `role` of a
    database role gives no more rights, unusual paths bypass nothing, public operations need no
    token, and valid tokens are accepted. Afterwards the data is unchanged. Where tokens are signed
    with a key pair, no other key is taken or fetched because a token's header names it.
    """
    tenant, other = await populate_all(await organizations.several(2), samples)
    turn = itertools.cycle(range(organizations.instances))
    protected, public, unbuildable = shapes_by_protection(operations_of(target))
    no_token, sample = organizations.with_token(None), samples.new()
    written: list[str] = []

    async def attempt(credential: Credential, shape: RequestShape, instance: int) -> None:
        async with cells.of(operation=shape.operation.id, token=credential.name):
            request = shape.request(tenant.own_ids(shape.slots), sample, query=credential.query)
            answer = await request.send(no_token, instance, credential.headers)
            if shape.operation.writes and answer.status in SUCCESS:
                written.append(credential.name)
            what = f"{shape} with {credential.name}"
            answer = expect_status_in(answer, credential.expected, what)
            if answer.status == 401:
                expect_challenge(answer, f"{shape} with {credential.name}")
            if credential.everywhere:
                cover("tokens", operation=shape.operation.id, token=credential.name)
            observe(what="invalid credentials")

    for valid in tenant.org.roles:
        async with cells.of(operation="listJobs", token=valid):
            await expect_valid_tokens_accepted(tenant, valid, organizations.instances)
    before = await tenant.state()
    async with attacking_keys(organizations, system) as attacker:
        forger = forger_of(organizations, tenant, attacker)
        tried = list(forger.credentials() if forger else invalid_or_forged_credentials(tenant.org))
        await together(
            (
                attempt(credential, shape, next(turn))
                for credential in tried
                for shape in protected
                if credential.everywhere or shape.operation.id in A_FEW
            ),
            at_once=AT_ONCE,
        )
    if organizations.has_key_pair:
        await expect_nothing_fetched(attacker, cells, observe)
    if not written:  # else what has changed is no news
        async with cells.of(what="data after requests with invalid tokens"):
            expect_unchanged(await tenant.state(), before, after="requests with invalid tokens")
    reading = [shape for shape in protected if not shape.operation.writes]
    if forger is not None:
        observe.excuse(left_out(forger, protected), "claims of an organization: it is looked up")
        await expect_role_claims_ignored(
            organizations, forger, tenant, other, reading, observe, cells
        )
    detoured = [shape for shape in protected if shape.operation.id in BYPASS_OPERATIONS]
    for shape, case in itertools.product(detoured, PATH_BYPASSES):
        async with cells.of(operation=shape.operation.id, token="none", case=case):
            await expect_no_path_bypass(no_token, tenant, shape, next(turn), case)
            observe(what="detours")
    observe.excuse(PUBLIC - len(public), "public operations that are absent")
    for shape in public:
        async with cells.of(operation=shape.operation.id, token="none"):
            await expect_public(no_token, shape, shape.request({}, sample), next(turn))
            observe(what="public operations")
    if forger is None:
        _ = organizations.recipe  # raises Inconclusive with the reason
    expect_buildable(unbuildable)


def forger_of(
    organizations: Organizations, tenant: PopulatedTenant, attacker: KeyListener
) -> Forger | None:
    """What makes tokens with claims of our own choosing; None where only others make tokens."""
    if not organizations.can_mint:
        return None
    return Forger(organizations.recipe, tenant.org, attacker.url)


def left_out(forger: Forger, protected: Sequence[RequestShape]) -> int:
    """How many attempts are about claims that a backend which looks them up does not read."""
    if forger.recipe.names_organization:
        return 0
    few = sum(shape.operation.id in A_FEW for shape in protected)
    return sum(len(protected) if each.everywhere else few for each in forger.about_claims())


async def expect_nothing_fetched(
    attacker: KeyListener, cells: Cells, observe: Observations
) -> None:
    """Fail if the backend asked an address for a key because a token's header names it."""
    for header in ADDRESSES:
        async with cells.of(what=f"fetches of what a token's {header} names"):
            if not attacker.is_reachable:
                raise Inconclusive(NOT_REACHED)
            what = f"number of requests to the address in a token's {header}"
            fetched = attacker.fetched.count(f"/{header}")
            expect_equal(fetched, 0, what, rule="tokens.fetches-nothing", subject=header)
            observe(what="addresses of keys")


async def expect_valid_tokens_accepted(tenant: PopulatedTenant, role: str, instances: int) -> None:
    """Fail unless a valid token of this role is accepted by every instance."""
    for instance in range(instances):
        answer = await tenant.org.as_role(role).call("listJobs", instance=instance)
        expect_status(answer, 200, detail=f"with a valid token of the {role}")
        scheme = {"authorization": f"bearer {tenant.org.tokens[role]}"}
        lower = await tenant.org.as_role(role).call("listJobs", instance=instance, headers=scheme)
        # The scheme's case does not matter (RFC 9110, section 11.1); the contract writes `Bearer`.
        expect_status(lower, 200, 401, detail="with a valid token after `bearer`")


async def expect_public(
    no_token: Client, shape: RequestShape, request: PreparedRequest, instance: int
) -> None:
    """Fail if an operation needs a token that the document says needs none."""
    answer = await request.send(no_token, instance)
    expect(
        answer.status not in {401, 403},
        expected=f"{shape} to need no token, as the document says",
        got=answer.describe(),
    )


async def expect_no_path_bypass(
    no_token: Client,
    tenant: PopulatedTenant,
    shape: RequestShape,
    instance: int,
    case: str,
) -> None:
    """Fail if a path that is almost the right one returns data without a token."""
    plain = shape.request(tenant.own_ids(shape.slots), tenant.sample)
    request = replace(plain, path=PATH_BYPASSES[case](plain.path))
    answer = await request.send(no_token, instance)
    expect_no_leak(tenant, request, answer, what=f"{shape} without a token, by {case}")


async def expect_role_claims_ignored(
    organizations: Organizations,
    forger: Forger,
    own: PopulatedTenant,
    other: PopulatedTenant,
    reading: Sequence[RequestShape],
    observe: Observations,
    cells: Cells,
) -> None:
    """Fail if a claim `role` that is a database role gives more rights."""
    for role in DATABASE_ROLES:
        client = organizations.with_token(forger.token(forger.claims(role=role)))
        claim = f"the claim role: {role!r}"
        for shape in reading:
            async with cells.of(operation=shape.operation.id, token=claim):
                await expect_role_claim_ignored(client, own, other, shape, claim)
        observe(what="roles of the database")


async def expect_role_claim_ignored(
    client: Client, own: PopulatedTenant, other: PopulatedTenant, shape: RequestShape, what: str
) -> None:
    """Fail if a token with this claim reads another organization's data, or causes a 5xx."""
    for tenant in (own, other):
        request = shape.request(tenant.own_ids(shape.slots), own.sample)
        answer = await request.send(client, 0)
        expect_status_in(answer, NO_SERVER_ERROR, f"{shape} with {what}")
        expect_no_leak(other, request, answer, what=f"{shape} with {what}")
        is_foreign = tenant is other and any(slot.place == "path" for slot in shape.slots)
        expect(
            not is_foreign or answer.status >= 400,
            expected=f"{shape} with a foreign id to be refused",
            got=answer.describe(),
            detail=f"with {what}",
            rule=LOOKS_UNKNOWN,
            subject=shape.operation.id,
        )
