"""A foreign export looks unknown in every state, also while it can still change."""

from functools import partial

from contracts.shared.exports.workerless_system import workerless_system
from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.expectations import expect_own
from contracts.tenancy.requests.exports_by_state import STATES, exports_by_state, shown_exports
from contracts.tenancy.requests.matrix import Matrix
from contracts.tenancy.requests.personas import personas
from contracts.tenancy.requests.request_shapes import RequestShape, shapes_with_ids
from contracts.tenancy.requests.unchanged import expect_unchanged
from harness.check import check
from harness.client import Samples, together
from harness.expect import expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.roles import ROLES

AT_ONCE = 8
KNOWN = {"job", "export", "target", "organization"}


@check(
    "tenancy.export-states",
    "Foreign exports look unknown in every state",
    checklist="Verify tenant isolation",
    observes=len(STATES) * 13 * len(ROLES) + 3,
    needs={Capability.TENANTS, Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_export_states(
    fresh_system: FreshSystem,
    samples: Samples,
    target: Target,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Put one export into each state (queued, preparing, failed, canceled), without workers.

    For every operation and role another organization gets the answer for a random id, and its
    viewers cannot write. The exports stay unchanged, and their owner can still cancel and retry.
    """
    shapes, _ = shapes_with_ids(operations_of(target))
    shapes = [shape for shape in shapes if {slot.kind for slot in shape.slots} <= KNOWN]
    sample = samples.new()
    async with workerless_system(fresh_system, target, api_instances=1) as workerless:
        own = workerless.own
        org, other = await own.organizations.several(2)
        tenants = await exports_by_state(workerless, org, sample)
        own_personas = personas(own.organizations, org)
        strangers = personas(own.organizations, other)
        before = await shown_exports(tenants)
        stranger = PopulatedTenant(org=other, sample=sample, key="", values={}, markers=frozenset())

        async def try_shape(state: str, shape: RequestShape) -> None:
            owner, viewer = tenants[state], own_personas["viewer"]
            matrix = Matrix(owner=owner, stranger=stranger, sample=sample, cover=cover, cells=cells)
            cell = partial(cells.of, operation=shape.operation.id, state=state)
            for question in matrix.questions(shape):
                async with cell(token="a stranger's"):
                    await matrix.ask_absent(question, strangers, 0)
                    observe(len(ROLES), what=state)
            if shape.operation.writes:
                request = shape.request(owner.own_ids(shape.slots), sample)
                async with cell(token="viewer"):
                    expect_own(await request.send(viewer.client, 0), shape, viewer)

        await together(
            (try_shape(state, shape) for state in tenants for shape in shapes), at_once=AT_ONCE
        )
        after = "all requests of strangers and viewers"
        now = await shown_exports(tenants)
        async with cells.of(what=f"exports after {after}"):
            expect_unchanged(now, before, after=after)
        for state, operation_id in (
            ("queued", "cancelExport"),
            ("preparing", "cancelExport"),
            ("failed", "retryExport"),
        ):
            name = f"the {state} export"
            if now[name] != before[name]:
                continue  # a stranger changed it, which is reported already
            path = {"export_id": tenants[state].values["export"][0]}
            async with cells.of(operation=operation_id, state=state, token="its owner's"):
                expect_status(
                    await org.client.call(operation_id, path=path),
                    202,
                    detail=f"a {state} export, by its owner",
                )
                observe(what="changed by its owner")
