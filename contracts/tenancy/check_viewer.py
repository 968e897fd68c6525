"""A viewer reads everything of its organization and writes nothing."""

import itertools
from dataclasses import replace

from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import populate
from contracts.tenancy.requests.answer_comparison import content_of
from contracts.tenancy.requests.expectations import expect_own, expect_status_in
from contracts.tenancy.requests.personas import Persona
from contracts.tenancy.requests.request_shapes import (
    RequestShape,
    expect_buildable,
    shapes_by_protection,
)
from contracts.tenancy.requests.stored_rows import StoredRows, everything_of
from contracts.tenancy.requests.unchanged import expect_unchanged
from harness.check import check
from harness.client import Answer, Client, Organization, Organizations, Samples, together
from harness.client.tokens.tokens import ABSENT, claims_of
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 8

NO_ROLES: tuple[object, ...] = (
    ABSENT, None, "", "admin", "superuser", "service_role", "Viewer", "VIEWER", " viewer",
    "viewer,owner", ["viewer"], ["owner"], {"owner": True}, True, 7,
)  # fmt: skip
"""Values that are not `owner`, `member` or `viewer`: they give at most a viewer's rights."""

READS, WRITES = 15, 6
"""Request shapes of the contract that read, and that write."""


@check(
    "tenancy.viewer",
    "Viewers read everything and write nothing",
    checklist="Verify roles",
    observes=READS + WRITES * (2 + len(NO_ROLES)) + 1,
    needs={Capability.TENANTS},
)
async def check_viewer(
    org: Organization,
    organizations: Organizations,
    samples: Samples,
    target: Target,
    stored_rows: StoredRows,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Send every read as a viewer: the answers are those of the owner.

    Every write is refused to a viewer with 403, also with the idempotency key of an earlier
    upload, and to a user without a valid role. Afterwards the data is unchanged.
    """
    tenant = await populate(org, samples)
    shapes, _, unbuildable = shapes_by_protection(operations_of(target))
    writing = [shape for shape in shapes if shape.operation.writes]
    turn = itertools.cycle(range(organizations.instances))
    viewer = Persona(name="viewer", client=org.as_role("viewer"), refused=None)
    if target.contract.absent_operations:
        lacking = READS + WRITES - len(shapes)
        observe.excuse(max(0, lacking), "operations that are absent")
    before = await everything_of(tenant, stored_rows)

    written: list[str] = []

    async def read(shape: RequestShape, instance: int) -> None:
        async with cells.of(operation=shape.operation.id, token="viewer"):
            request = shape.request(tenant.own_ids(shape.slots), tenant.sample)
            seen = await request.send(viewer.client, instance)
            expect_own(seen, shape, viewer)
            if seen.status < 300:
                by_owner = await request.send(org.as_role("owner"), instance)
                what = f"content of {shape} for a viewer"
                expect_equal(content_of(seen), content_of(by_owner), what)
            cover("viewer", operation=shape.operation.id, role="viewer")
            observe(what="reads")

    async def write(shape: RequestShape, client: Client, role: object, instance: int) -> None:
        async with cells.of(operation=shape.operation.id, token=shown(role)):
            request = shape.request(tenant.own_ids(shape.slots), samples.new())
            answer = await request.send(client, instance)
            if answer.status < 300:
                written.append(shape.operation.id)
            expect_no_write(answer, role, f"{shape} by a user with the role {shown(role)}")
            cover("viewer", operation=shape.operation.id, role=shown(role))
            observe(what="writes")

    async def repeat(shape: RequestShape, instance: int) -> None:
        """A viewer repeats a member's upload with the same key."""
        case = "a member's key again"
        async with cells.of(operation=shape.operation.id, token="viewer", case=case):
            request = shape.request(tenant.own_ids(shape.slots), tenant.sample)
            keyed = replace(request, headers={**request.headers, "idempotency-key": tenant.key})
            answer = await keyed.send(viewer.client, instance)
            expect_no_write(answer, "viewer", f"{shape}, repeated by a viewer")
            observe(what="repeated writes")

    await together(
        (read(shape, next(turn)) for shape in shapes if shape not in writing), at_once=AT_ONCE
    )
    unknown = unknown_roles(organizations)
    observe.excuse(WRITES * (len(NO_ROLES) - len(unknown)), "roles that no token can have here")
    await together(
        (
            write(shape, client, role, next(turn))
            for shape in writing
            for role, client in (
                ("viewer", viewer.client),
                *((role, client_of(organizations, org, role)) for role in unknown),
            )
        ),
        at_once=AT_ONCE,
    )
    await together(repeat(shape, next(turn)) for shape in writing)
    after = await everything_of(tenant, stored_rows)
    if not written:  # else what has changed is no news
        async with cells.of(what="data after all writes of viewers"):
            expect_unchanged(after, before, after="all writes of viewers")
    async with cells.of(operation="createJob", token="owner"):
        expect_status(await org.as_role("owner").call("createJob", json={"title": "allowed"}), 201)
        observe(what="writes of the owner")
    expect_buildable(unbuildable)


def unknown_roles(organizations: Organizations) -> list[object]:
    """Values of the role claim that give no role; empty where tokens have none of our choosing."""
    if not organizations.can_mint or not organizations.recipe.names_role:
        return []
    names = set(organizations.recipe.role_names.values())
    return [role for role in NO_ROLES if not (isinstance(role, str) and role in names)]


def client_of(organizations: Organizations, org: Organization, role: object) -> Client:
    """A user of the organization whose token has this role, of any JSON type."""
    recipe = organizations.recipe
    claims = claims_of(recipe, user=org.users["viewer"], organization=org.id, role=role)
    return organizations.with_token(recipe.issue(claims))


def expect_no_write(answer: Answer, role: object, what: str) -> None:
    """Fail unless a write was refused as a problem (RFC 9457); to a viewer with a 403."""
    expect_status_in(answer, frozenset({403} if role == "viewer" else {401, 403}), what)
    kind = answer.headers.get("content-type", "")
    expect(
        kind.partition(";")[0].strip().lower() == "application/problem+json",
        expected="Content-Type: application/problem+json",
        got=f"Content-Type {kind!r} with {answer.describe()}",
        detail=what,
        rule="problem.form",
        subject=answer.operation_id,
    )


def shown(role: object) -> str:
    """A role as messages show it."""
    return "(none)" if role is ABSENT else str(role) if role == "viewer" else repr(role)
