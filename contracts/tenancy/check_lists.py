"""Lists hold what is their organization's, whoever asked before, on whatever page."""

import itertools

from contracts.shared.exports.archive import unpack
from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import populate_all
from contracts.tenancy.requests.forms import Form
from contracts.tenancy.requests.lists import Holder, Reading, fill_all, list_forms, read_in_turn
from harness.check import check
from harness.client import Organization, Organizations, Samples, together
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

LISTS = 6
"""Of the contract: jobs, a job's evidence and exports, the ledger, and it by evidence or export."""

OF_A_NEW_ONE = 2
"""The lists that take no id: jobs, and the ledger."""


@check(
    "tenancy.lists",
    "A list holds exactly what its organization has, on every page, whoever asked before",
    checklist="Verify tenant isolation",
    # With one instance; each further one adds LISTS.
    observes=LISTS * (1 + 2) + OF_A_NEW_ONE + 2 * 3,
    needs={Capability.TENANTS},
)
async def check_lists(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    observe: Observations,
    cover: Coverage,
) -> None:
    left, right, *empty = await organizations.several(3 if organizations.can_make_more else 2)
    holders = await fill_all(await populate_all([left, right], samples), samples)
    forms = list_forms(operations_of(target))
    roles = itertools.cycle(pairs_of_roles(left, right))

    async def in_turn(form: Form, instance: int, pair: tuple[str, str]) -> None:
        """Both organizations page through the same list, one page of each after the other."""
        for number in range(len(list(holders[0].tenant.own_id_choices(form.slots)))):
            readings = [
                reading(form, number, holder, holders, role, instance)
                for holder, role in zip(holders, pair, strict=True)
            ]
            for one, items in zip(readings, await read_in_turn(readings), strict=True):
                one.expect_complete(items)
            observe(what="read in turn")
            cover("lists", operation=form.operation.id, instance=str(instance + 1))

    await together(
        in_turn(form, instance, next(roles))
        for form in forms
        for instance in range(organizations.instances)
    )
    for mine, other in (holders, holders[::-1]):
        await expect_packed_for_itself(mine, other)
        observe(len(mine.created["listExports"]), what="exports")
    for form in forms:
        for number in range(len(list(holders[0].tenant.own_id_choices(form.slots)))):
            for mine, other in (holders, holders[::-1]):
                await expect_no_way_in_by_cursor(form, number, mine, other)
                observe(what="cursors of another organization")
        for new in () if form.slots else empty:
            await expect_empty(form, new, holders)
            observe(what="lists of a new organization")
    if not empty:
        observe.excuse(OF_A_NEW_ONE, "lists of a new organization, which nobody here can make")


def pairs_of_roles(left: Organization, right: Organization) -> list[tuple[str, str]]:
    """Two users who read in turn, as unlike as can be."""
    pairs = list(itertools.product(left.roles, right.roles))
    return [(mine, other) for mine, other in pairs if mine != other] or pairs


def reading(
    form: Form, number: int, holder: Holder, holders: list[Holder], role: str, instance: int
) -> Reading:
    """A list of a holder; of the several ways to fill in its ids the one of this number."""
    return Reading(
        form=form,
        ids=list(holder.tenant.own_id_choices(form.slots))[number],
        holder=holder,
        others=[other for other in holders if other is not holder],
        client=holder.tenant.org.as_role(role),
        instance=instance,
    )


async def expect_packed_for_itself(mine: Holder, other: Holder) -> None:
    """Fail when an export, which is a list as well, holds anything of another organization."""
    for export_id in mine.created["listExports"]:
        answer = await mine.tenant.org.client.download(export_id)
        for name, content in unpack(answer).items():
            for mark in other.tenant.marks:
                expect(
                    mark not in content,
                    expected=f"nothing of organization {other.tenant.org.id} in {name} of an "
                    f"export of organization {mine.tenant.org.id}",
                    got=mark.decode("utf-8", "replace"),
                )


async def expect_no_way_in_by_cursor(form: Form, number: int, mine: Holder, other: Holder) -> None:
    """Fail when the cursor that another organization got leads to anything but own rows."""
    theirs = reading(form, number, other, [mine, other], other.tenant.org.roles[0], 0)
    cursor = (await theirs.page({"limit": 1})).document.get("next_cursor")
    if cursor is None:
        return  # one row, one page
    own = reading(form, number, mine, [mine, other], mine.tenant.org.roles[0], 0)
    [items] = await read_in_turn([own])
    whole = {item["id"] for item in items}
    answer = await own.page({"limit": 100, "cursor": cursor})
    expect(
        answer.status < 500,
        expected=f"no error of the server from {form} with a cursor of another organization",
        got=answer.describe(),
    )
    if 200 <= answer.status < 300:
        strange = [item["id"] for item in answer.items if item["id"] not in whole]
        expect_equal(strange, [], f"the items of {form} that are not the organization's own")


async def expect_empty(form: Form, empty: Organization, holders: list[Holder]) -> None:
    """Fail unless an organization that has nothing is shown nothing."""
    await holders[0].tenant.org.client.call(form.operation.id, instance=0)
    answer = expect_status(await empty.client.call(form.operation.id, instance=0), 200)
    expect_equal(answer.items, [], f"the items of {form} in a new organization")
    expect_equal(answer.document.get("next_cursor"), None, f"the next_cursor of an empty {form}")
