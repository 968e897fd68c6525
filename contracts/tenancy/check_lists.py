"""Lists contain only their organization's items, on every page."""

import itertools

from contracts.shared.exports.archive import unpack
from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import populate_all
from contracts.tenancy.requests.expectations import NO_FOREIGN_DATA
from contracts.tenancy.requests.lists import (
    ListOwner,
    ListReading,
    fill,
    list_shapes,
    read_in_turn,
)
from contracts.tenancy.requests.request_shapes import RequestShape
from harness.check import check
from harness.client import Organization, Organizations, Samples, together
from harness.client.absence import refuse_absent
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

LISTS = 6
"""Of the contract: jobs, a job's evidence and exports, the ledger, also by evidence or export."""

WITHOUT_IDS = 2
"""The lists that take no id: jobs, and the ledger."""

AROUND = 40
"""Bytes before foreign data that a message shows."""


@check(
    "tenancy.lists",
    "A list has exactly its organization's items",
    checklist="Verify tenant isolation",
    # With one instance; each further one adds LISTS.
    observes=LISTS * (1 + 2) + WITHOUT_IDS + 2 * 3,
    needs={Capability.TENANTS},
)
async def check_lists(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Two organizations read every list page by page, alternating, on every instance.

    Each gets exactly its own items. Its exports contain no data of the other, the other's cursor
    opens nothing, and a new organization's lists are empty.
    """
    left, right, *empty = await organizations.several(3 if organizations.can_make_more else 2)
    tenants = await populate_all([left, right], samples)
    owners = await together(fill(tenant, samples) for tenant in tenants)
    shapes = list_shapes(operations_of(target))
    roles = itertools.cycle(pairs_of_roles(left, right))

    async def in_turn(shape: RequestShape, instance: int, pair: tuple[str, str]) -> None:
        """Both organizations read the same list, alternating pages."""
        for number in range(len(list(owners[0].tenant.own_id_choices(shape.slots)))):
            readings = [
                reading(shape, number, owner, owners, role, instance)
                for owner, role in zip(owners, pair, strict=True)
            ]
            async with cells.of(operation=shape.operation.id, list=shape, case="read in turn"):
                for one, items in zip(readings, await read_in_turn(readings), strict=True):
                    one.expect_complete(items)
                observe(what="read in turn")
                cover("lists", operation=shape.operation.id, instance=str(instance + 1))

    await together(
        in_turn(shape, instance, next(roles))
        for shape in shapes
        for instance in range(organizations.instances)
    )
    for mine, other in (owners, owners[::-1]):
        async with cells.of(operation="downloadExport", case="an own export"):
            await expect_exports_hold_own_data(mine, other)
            observe(len(mine.created["listExports"]), what="exports")
    for shape in shapes:
        for number in range(len(list(owners[0].tenant.own_id_choices(shape.slots)))):
            for mine, other in (owners, owners[::-1]):
                case = "a cursor of another organization"
                async with cells.of(operation=shape.operation.id, list=shape, case=case):
                    await expect_foreign_cursor_opens_nothing(shape, number, mine, other)
                    observe(what="cursors of another organization")
        for new in empty if {slot.kind for slot in shape.slots} <= {"organization"} else ():
            async with cells.of(
                operation=shape.operation.id, list=shape, case="a new organization"
            ):
                await expect_empty(shape, new, owners)
                observe(what="lists of a new organization")
    if not empty:
        observe.excuse(WITHOUT_IDS, "lists of a new organization, which cannot be created here")


def pairs_of_roles(left: Organization, right: Organization) -> list[tuple[str, str]]:
    """Pairs of roles that read in turn, different ones if possible."""
    pairs = list(itertools.product(left.roles, right.roles))
    return [(mine, other) for mine, other in pairs if mine != other] or pairs


def reading(
    shape: RequestShape,
    number: int,
    owner: ListOwner,
    owners: list[ListOwner],
    role: str,
    instance: int,
) -> ListReading:
    """A list of an owner, with one of the choices of its ids."""
    return ListReading(
        shape=shape,
        ids=list(owner.tenant.own_id_choices(shape.slots))[number],
        owner=owner,
        others=[other for other in owners if other is not owner],
        client=owner.tenant.org.as_role(role),
        instance=instance,
    )


async def expect_exports_hold_own_data(mine: ListOwner, other: ListOwner) -> None:
    """Fail if an export contains data of another organization."""
    for export_id in mine.created["listExports"]:
        answer = await mine.tenant.org.client.download(export_id)
        for name, content in unpack(answer).items():
            for mark in other.tenant.markers:
                expect(
                    mark not in content,
                    expected=f"no data of organization {other.tenant.org.id} in {name} of an "
                    f"export of organization {mine.tenant.org.id}",
                    got=_in_its_place(mark, content),
                    rule=NO_FOREIGN_DATA,
                    subject="downloadExport",
                )


def _in_its_place(mark: bytes, content: bytes) -> str:
    """Show a mark with what stands before it, which in JSON names the field."""
    begin = max(0, content.find(mark) - AROUND)
    shown = content[begin : content.find(mark) + len(mark) + AROUND // 4]
    return f"{mark.decode('utf-8', 'replace')} in {shown.decode('utf-8', 'replace')!r}"


async def expect_foreign_cursor_opens_nothing(
    shape: RequestShape, number: int, mine: ListOwner, other: ListOwner
) -> None:
    """Fail if a cursor of another organization returns anything else than own items."""
    theirs = reading(shape, number, other, [mine, other], other.tenant.org.roles[0], 0)
    refuse_absent(theirs.client.without, shape.operation.id, {"limit": 1})
    cursor = (await theirs.page({"limit": 1})).document.get("next_cursor")
    if cursor is None:
        return  # one row, one page
    own = reading(shape, number, mine, [mine, other], mine.tenant.org.roles[0], 0)
    [items] = await read_in_turn([own])
    whole = {item["id"] for item in items}
    answer = await own.page({"limit": 100, "cursor": cursor})
    expect(
        answer.status < 500,
        expected=f"an answer below 500 from {shape} with a cursor of another organization",
        got=answer.describe(),
    )
    if 200 <= answer.status < 300:
        foreign = [item["id"] for item in answer.items if item["id"] not in whole]
        what = f"items of {shape} that do not belong to the organization"
        expect_equal(foreign, [], what, rule=NO_FOREIGN_DATA, subject=shape.operation.id)


async def expect_empty(shape: RequestShape, empty: Organization, owners: list[ListOwner]) -> None:
    """Fail unless the list of a new organization is empty."""
    await owners[0].tenant.org.client.call(shape.operation.id, instance=0)
    answer = expect_status(await empty.client.call(shape.operation.id, instance=0), 200)
    what = f"items of {shape} in a new organization"
    expect_equal(answer.items, [], what, rule=NO_FOREIGN_DATA, subject=shape.operation.id)
    expect_equal(answer.document.get("next_cursor"), None, f"next_cursor of an empty {shape}")
