"""Only app_metadata decides about the organization and the role of a request."""

from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import populate_all
from contracts.tenancy.requests.interleaved_write import expect_written_for_sender
from contracts.tenancy.requests.request_shapes import expect_buildable, shapes_by_protection
from contracts.tenancy.requests.spoofing import spoofs
from contracts.tenancy.requests.spoofing_attempts import SpoofingAttempts
from contracts.tenancy.requests.stored_rows import StoredRows, everything_of
from contracts.tenancy.requests.unchanged import expect_unchanged
from harness.check import check
from harness.client import Organizations, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect_equal
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 8


@check(
    "tenancy.user-metadata",
    "Only app_metadata decides organization and role",
    checklist="Verify tenant isolation",
    observes=246 + 4,
    needs={Capability.TENANTS},
)
async def check_user_metadata(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    stored_rows: StoredRows,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Name another organization, or a stronger role, in other claims, headers, queries and bodies.

    Reads return the same as without it, writes go to the own organization or are refused, and a
    token without an organization or role gets no access. The victim's data stays unchanged.
    """
    own, victim = await populate_all(await organizations.several(2), samples)
    shapes, _, unbuildable = shapes_by_protection(operations_of(target))
    before = await everything_of(victim, stored_rows)
    attempts = SpoofingAttempts(
        organizations=organizations,
        own=own,
        victim=victim,
        samples=samples,
        observe=observe,
        cover=cover,
        cells=cells,
    )
    looked_up = organizations.can_mint and not organizations.recipe.names_organization
    tried = [
        one
        for one in spoofs(victim.org, looked_up=looked_up)
        if organizations.can_mint or not one.in_token
    ]
    for group in attempts.all_attempts(shapes, tried):
        await together(group, at_once=AT_ONCE)
    reading = [shape for shape in shapes if shape.operation.lists]
    for shape in shapes:
        if shape.operation.writes and shape.body is not None:
            case = "written while another organization is served"
            async with cells.of(operation=shape.operation.id, case=case):
                await expect_written_for_sender(shape, own, victim, samples.new(), reading, 0)
                observe(what="written while others were served")

    after = "requests that name the organization in untrusted places"
    async with cells.of(what=f"data after {after}"):
        expect_unchanged(await everything_of(victim, stored_rows), before, after=after)
    async with cells.of(operation="listLedgerEvents", field="actor_id"):
        events = await (own.org.client.ledger_events() if own.org.is_fresh else own.events())
        actors = {event["actor_id"] for event in events} - {None}
        unknown = sorted(actors - set(own.org.users.values()))
        what = "actors in the ledger that are not users of the organization"
        expect_equal(unknown, [], what, rule="ledger.event-describes")
    if not organizations.can_mint:
        raise Inconclusive(
            "another organization in headers, queries and bodies had no effect; other claims than "
            "app_metadata were not tried, because that needs [tokens.mint]"
        )
    expect_buildable(unbuildable)
