"""Read lists page by page, alternating with another organization, and check their items."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.shared.tenants.operations import Operation
from contracts.shared.tenants.populated_tenant import PopulatedTenant, markers_of
from contracts.tenancy.requests.expectations import NO_FOREIGN_DATA, expect_no_leak
from contracts.tenancy.requests.request_shapes import RequestShape, shapes_of
from harness.asks import leave_out
from harness.client import Answer, Client, Record, Samples
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status

ROWS = 5
PAGE_SIZE = 2
"""So that five rows are three pages, the last one not full."""
MAX_PAGES = 50
LARGEST_PAGE = 100
"""For lists of an organization that other users share: they may be long."""


@dataclass(frozen=True, kw_only=True)
class ListOwner:
    """An organization with enough of everything for several pages."""

    tenant: PopulatedTenant
    created: Mapping[str, Sequence[str]]
    """The ids that each list must contain, by operationId, as far as known."""
    events: int
    """The number of events in its ledger."""


async def fill(tenant: PopulatedTenant, samples: Samples) -> ListOwner:
    """Create more jobs, and more evidence and exports in the first job."""
    org, job_id = tenant.org, tenant.values["job"][0]
    jobs = [await org.new_job(f"Job {uuid.uuid4()}") for _ in range(ROWS - 1)]
    evidence = [await org.client.new_evidence(job_id, samples.new()) for _ in range(ROWS - 1)]
    exports = []
    for export_type in org.client.export_types:
        requested = await org.client.new_export(job_id, export_type)
        exports.append(await org.client.wait_for_export(requested["id"]))
    return ListOwner(
        tenant=replace(tenant, markers=tenant.markers | markers_of([*jobs, *evidence, *exports])),
        created={
            "listJobs": [job_id, *(job["id"] for job in jobs)],
            "listEvidence": [tenant.values["evidence"][0], *(one["id"] for one in evidence)],
            "listExports": [tenant.values["export"][0], *(one["id"] for one in exports)],
        },
        events=ROWS + 2 * (1 + len(exports)),
    )


def list_shapes(operations: Sequence[Operation]) -> list[RequestShape]:
    """Each list without optional filters, and with each one of them."""
    shapes: dict[str, RequestShape] = {}
    for operation in operations:
        if operation.lists and operation.route.secured and operation.route.method == "GET":
            for shape in shapes_of(operation):
                needed = tuple(
                    slot for slot in shape.slots if slot.place == "path" or slot.required
                )
                bare = replace(shape, slots=needed)
                shapes |= {str(bare): bare, str(shape): shape}
    return list(shapes.values())


@dataclass(frozen=True, kw_only=True)
class ListReading:
    """A list of one organization, read on one instance with one role."""

    shape: RequestShape
    ids: Mapping[str, Any]
    owner: ListOwner
    others: Sequence[ListOwner]
    client: Client
    instance: int

    @property
    def is_shared(self) -> bool:
        """Whether other users may add items to it."""
        return not self.owner.tenant.org.is_fresh

    @property
    def page_size(self) -> int:
        """The `limit` of each page."""
        return LARGEST_PAGE if self.is_shared and not self.shape.slots else PAGE_SIZE

    async def page_from(self, cursor: str | None) -> Answer:
        """Get the page at a cursor, or the first; the whole list where it has no pages."""
        operation_id = self.shape.operation.id
        if self.client.without.has_no_pages(operation_id):
            leave_out(f"pages of {operation_id}")
            return await self.page({})
        return await self.page({"limit": self.page_size} | ({"cursor": cursor} if cursor else {}))

    async def page(self, query: Mapping[str, Any]) -> Answer:
        """Get a page, and fail if it contains data of another organization."""
        request = self.shape.request(self.ids, self.owner.tenant.sample, query=query)
        answer = await request.send(self.client, self.instance)
        for other in self.others:
            expect_no_leak(other.tenant, request, answer, what=str(self.shape))
        if 200 <= answer.status < 300:
            for item in answer.items:
                expect_owned_by(self.owner.tenant, item, str(self.shape))
        return answer

    def expect_complete(self, items: Sequence[Record]) -> None:
        """Fail unless the list has exactly the items of its organization.

        In an organization shared with other users: unless it has all items of this run.
        """
        created = self.owner.created.get(self.shape.operation.id)
        found = [item["id"] for item in items]
        if self.is_shared:
            missing = sorted(set(created or ()) - set(found))
            what = f"created items that are missing in {self.shape}"
            expect_equal(missing, [], what, rule="lists.whole")
        elif created is not None:
            expect_equal(sorted(found), sorted(created), f"ids in {self.shape}", rule="lists.whole")
        elif self.shape.operation.id == "listLedgerEvents" and not self.ids:
            what = f"number of items of {self.shape}"
            expect_equal(len(found), self.owner.events, what, rule="lists.whole")
        target = self.ids.get("target_id")
        for item in items if target else ():
            what = f"target_id of every item of {self.shape}"
            expect_equal(item["target_id"], target, what, rule="lists.whole")
        expect(found, expected=f"items in {self.shape}", got="an empty list", rule="lists.whole")


def expect_owned_by(owner: PopulatedTenant, item: Record, what: str) -> None:
    """Fail if an item names another organization."""
    stated = item.get("organization_id") or owner.org.id
    expect_equal(stated, owner.org.id, f"organization_id in {what}", rule=NO_FOREIGN_DATA)


async def read_in_turn(readings: Sequence[ListReading]) -> list[list[Record]]:
    """Read lists page by page, alternating between them; return their items."""
    items: list[list[Record]] = [[] for _ in readings]
    cursors: list[str | None] = [None for _ in readings]
    left = list(range(len(readings)))
    for _ in range(MAX_PAGES):
        for number in list(left):
            cursor = cursors[number]
            answer = expect_status(await readings[number].page_from(cursor), 200)
            items[number] += answer.items
            cursors[number] = answer.document.get("next_cursor")
            if not cursors[number]:
                left.remove(number)
        if not left:
            return items
    if readings[left[0]].is_shared:
        raise Inconclusive(
            f"{readings[0].shape} of organization {readings[left[0]].owner.tenant.org.id} has more "
            f"than {MAX_PAGES} pages: the items of this run, which are at its end, were not checked"
        )
    expect(
        False,
        expected=f"at most {MAX_PAGES} pages of {readings[0].shape}",
        got=f"a next_cursor on each of them, {len(items[left[0]])} items so far",
    )
    return items
