"""Only a token that holds opens anything, on every operation that the document protects."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import PopulatedTenant, populate_all
from contracts.tenancy.requests.credentials import Credential, invalid_or_forged_credentials
from contracts.tenancy.requests.expectations import (
    expect_challenge,
    expect_no_leak,
    expect_status_in,
)
from contracts.tenancy.requests.forgeries import Forger
from contracts.tenancy.requests.request_shapes import RequestShape, shapes_by_protection
from contracts.tenancy.requests.unchanged import expect_unchanged
from harness.check import check
from harness.client import Client, Organizations, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 8
NO_BREAKDOWN = frozenset(range(200, 500))
A_FEW = ("listJobs", "createJob", "downloadExport")
"""A list, a write and a download: where every forgery is tried."""

BYPASSED = ("listJobs", "getJob", "downloadExport")
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
"""Paths that a guard may take for others and a router for the same."""

PUBLIC = 5
"""Operations of the contract that ask for no token."""

DATABASE_ROLES = ("anon", "service_role", "postgres", "", None, ["service_role"])
"""What the claim `role` may say, which no backend may become in its database for a request."""


@check(
    "tenancy.tokens",
    "A token that is forged, expired, for others or of nobody opens nothing, on any operation",
    checklist="Verify authentication",
    observes=548 + 3 * 9,
    needs={Capability.TENANTS},
)
async def check_tokens(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    observe: Observations,
    cover: Coverage,
) -> None:
    tenant, other = await populate_all(await organizations.several(2), samples)
    turn = itertools.cycle(range(organizations.instances))
    protected, public, unbuildable = shapes_by_protection(operations_of(target))
    nobody, sample = organizations.with_token(None), samples.new()
    forger = Forger(organizations.recipe, tenant.org) if organizations.can_mint else None

    async def attempt(credential: Credential, shape: RequestShape, instance: int) -> None:
        request = shape.request(tenant.own_ids(shape.slots), sample, query=credential.query)
        answer = await request.send(nobody, instance, credential.headers)
        expect_status_in(answer, credential.expected, f"{shape} with {credential.name}")
        if answer.status == 401:
            expect_challenge(answer, f"{shape} with {credential.name}")
        if credential.everywhere:
            cover("tokens", operation=shape.operation.id, token=credential.name)
        observe(what="tokens that do not hold")

    await expect_valid_tokens_accepted(tenant, organizations.instances)
    before = await tenant.state()
    await together(
        (
            attempt(credential, shape, next(turn))
            for credential in (
                forger.everything() if forger else invalid_or_forged_credentials(tenant.org)
            )
            for shape in protected
            if credential.everywhere or shape.operation.id in A_FEW
        ),
        at_once=AT_ONCE,
    )
    expect_unchanged(await tenant.state(), before, after="all those tokens")
    if forger is not None:
        for role in DATABASE_ROLES:
            client = organizations.with_token(forger.token(forger.claims(role=role)))
            await expect_role_claim_ignored(
                client, tenant, other, protected, f"the claim role: {role!r}"
            )
            observe(what="roles of the database")
    for shape in protected:
        if shape.operation.id in BYPASSED:
            await expect_no_path_bypass(nobody, tenant, shape, next(turn))
            observe(len(PATH_BYPASSES), what="detours")
    observe.excuse(PUBLIC - len(public), "public operations that are absent")
    for shape in public:
        answer = await shape.request({}, sample).send(nobody, next(turn))
        expect(
            answer.status not in {401, 403},
            expected=f"{shape} to want no token, as the document says",
            got=answer.describe(),
        )
        observe(what="public operations")
    if forger is None:
        _ = organizations.recipe  # says why no token can be forged
    if unbuildable:
        raise Inconclusive(f"no request can be made from the document for {'; '.join(unbuildable)}")


async def expect_valid_tokens_accepted(tenant: PopulatedTenant, instances: int) -> None:
    """Fail unless good tokens open every instance: else it proves nothing that bad ones do not."""
    for role, instance in itertools.product(tenant.org.roles, range(instances)):
        answer = await tenant.org.as_role(role).call("listJobs", instance=instance)
        expect_status(answer, 200, detail=f"asked by the {role}, with a good token")
        scheme = {"authorization": f"bearer {tenant.org.tokens[role]}"}
        lower = await tenant.org.as_role(role).call("listJobs", instance=instance, headers=scheme)
        # The scheme's case does not matter (RFC 9110, section 11.1); the contract writes `Bearer`.
        expect_status(lower, 200, 401, detail="a good token after `bearer`")


async def expect_no_path_bypass(
    nobody: Client, tenant: PopulatedTenant, shape: RequestShape, instance: int
) -> None:
    """Fail when nobody at all is told anything on a path that is nearly the right one."""
    plain = shape.request(tenant.own_ids(shape.slots), tenant.sample)
    for name, detour in PATH_BYPASSES.items():
        request = replace(plain, path=detour(plain.path))
        answer = await request.send(nobody, instance)
        expect_no_leak(tenant, request, answer, what=f"{shape} without a token, by {name}")


async def expect_role_claim_ignored(
    client: Client,
    own: PopulatedTenant,
    other: PopulatedTenant,
    shapes: Sequence[RequestShape],
    what: str,
) -> None:
    """Fail when a token of one organization reads anything of another, or breaks the server."""
    for shape in shapes:
        if shape.operation.writes:
            continue
        for tenant in (own, other):
            request = shape.request(tenant.own_ids(shape.slots), own.sample)
            answer = await request.send(client, 0)
            expect_status_in(answer, NO_BREAKDOWN, f"{shape} with {what}")
            expect_no_leak(other, request, answer, what=f"{shape} with {what}")
            strange = tenant is other and any(slot.place == "path" for slot in shape.slots)
            expect(
                not strange or answer.status >= 400,
                expected=f"{shape} about what another organization has to be refused",
                got=answer.describe(),
                detail=f"with {what}",
            )
