"""Whose request it is, and in which role, says app_metadata and nothing else."""

from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import populate_all
from contracts.tenancy.requests.interleaved_write import expect_written_for_sender
from contracts.tenancy.requests.request_shapes import shapes_by_protection
from contracts.tenancy.requests.spoofing import spoofs
from contracts.tenancy.requests.spoofing_attempts import SpoofingAttempts
from contracts.tenancy.requests.stored_rows import StoredRows, everything_of
from contracts.tenancy.requests.unchanged import expect_unchanged
from harness.check import check
from harness.client import Organizations, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect_equal
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 8


@check(
    "tenancy.user-metadata",
    "Only app_metadata says whose request it is and in which role; nothing else is trusted",
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
) -> None:
    own, victim = await populate_all(await organizations.several(2), samples)
    shapes, _, unbuildable = shapes_by_protection(operations_of(target))
    before = await everything_of(victim, stored_rows)
    tried = SpoofingAttempts(
        organizations=organizations,
        own=own,
        victim=victim,
        samples=samples,
        observe=observe,
        cover=cover,
    )
    ways = [one for one in spoofs(victim.org) if organizations.can_mint or not one.in_token]
    for attempts in tried.everything(shapes, ways):
        await together(attempts, at_once=AT_ONCE)
    reading = [shape for shape in shapes if shape.operation.lists]
    for shape in shapes:
        if shape.operation.writes and shape.body is not None:
            await expect_written_for_sender(shape, own, victim, samples.new(), reading, 0)
            observe(what="written while others were served")

    after = "naming the organization where nobody vouches for it"
    expect_unchanged(await everything_of(victim, stored_rows), before, after=after)
    events = await (own.org.client.ledger_events() if own.org.is_fresh else own.events())
    actors = {event["actor_id"] for event in events} - {None}
    strange = sorted(actors - set(own.org.users.values()))
    expect_equal(strange, [], "the actors in the ledger that are no users of the organization")
    if not organizations.can_mint:
        raise Inconclusive(
            "nothing came of naming another organization in headers, queries and bodies; what a "
            "token says beside app_metadata was not tried: it takes [tokens.mint] to say it"
        )
    if unbuildable:
        raise Inconclusive(f"no request can be made from the document for {'; '.join(unbuildable)}")
