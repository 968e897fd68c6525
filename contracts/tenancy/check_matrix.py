"""Tenants are isolated: a foreign id is answered like a random id."""

import itertools
from collections.abc import Awaitable, Iterator

from contracts.shared.tenants.operations import Operation, operations_of
from contracts.shared.tenants.populated_tenant import PopulatedTenant, populate_all
from contracts.tenancy.requests.expectations import expect_own
from contracts.tenancy.requests.matrix import Matrix
from contracts.tenancy.requests.personas import Persona, personas, representative, writers
from contracts.tenancy.requests.request_shapes import (
    RequestShape,
    expect_buildable,
    shapes_with_ids,
)
from contracts.tenancy.requests.stored_rows import StoredRows, everything_of
from contracts.tenancy.requests.unchanged import expect_unchanged
from contracts.tenancy.requests.variants import (
    SPELLINGS,
    expect_variant_indistinguishable,
    spelled,
    untaken_methods,
    variants,
)
from harness.check import check
from harness.client import Organization, Organizations, Samples, together
from harness.errors import Inconclusive
from harness.expect import expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 8
OPERATIONS, IDS, PERSONAS = 16, 4, 8
"""Operations of the contract with an id; kinds of ids; personas."""


@check(
    "tenancy.matrix",
    "Foreign IDs look like unknown IDs",
    checklist="Verify tenant isolation",
    observes=OPERATIONS * IDS * PERSONAS,
    needs={Capability.TENANTS},
)
async def check_matrix(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    stored_rows: StoredRows,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Call every operation with own, foreign, random and malformed ids, as every persona.

    A foreign id gets exactly the answer of a random id (status, headers, body), also with other
    methods, headers and spellings. Afterwards the owner's data is unchanged, the owner can still
    write, and an upload of foreign bytes is not reported as a duplicate.
    """
    owner, stranger = await populate_all(await organizations.several(2), samples)
    matrix = Matrix(owner=owner, stranger=stranger, sample=samples.new(), cover=cover, cells=cells)
    operations = operations_of(target)
    shapes, unbuildable = shapes_with_ids(operations)
    own_personas = personas(organizations, owner.org)
    strangers = personas(organizations, stranger.org)
    before = await everything(matrix, stored_rows)

    turn = itertools.cycle(range(organizations.instances))
    await together(
        (
            matrix.ask(question, own_personas[name], strangers[name], next(turn))
            for shape in shapes
            for question in matrix.questions(shape)
            for name in strangers
        ),
        at_once=AT_ONCE,
    )
    await together(
        variant_requests(matrix, operations, shapes, representative(strangers), turn),
        at_once=AT_ONCE,
    )
    after = await everything(matrix, stored_rows)
    async with cells.of(what="data after all requests of strangers"):
        expect_unchanged(after, before, after="all requests of strangers")

    if owner.values["job"][0] == owner.org.given_job:
        raise Inconclusive(
            "this backend does not let clients create jobs, so the owner's writes were not "
            "checked: they would change the given job"
        )
    for persona in writers(own_personas):
        await together(
            own_write(matrix, shape, persona, samples, next(turn))
            for shape in shapes
            if shape.operation.writes
        )
    async with cells.of(operation="uploadEvidence", what="bytes that another organization has"):
        await expect_no_deduplication_across_tenants(owner, stranger.org)
    observe(len(matrix.seen), what="cells")
    there = len({shape.operation.id for shape in shapes})
    absent = min(len(target.contract.absent_operations), max(0, OPERATIONS - there))
    observe.excuse(absent * IDS * PERSONAS, "operations that are absent")
    observe.excuse(
        (OPERATIONS - absent) * IDS * (PERSONAS - len(strangers)),
        "personas that need the issuer's secret",
    )
    expect_buildable(unbuildable)


def variant_requests(
    matrix: Matrix,
    operations: tuple[Operation, ...],
    shapes: list[RequestShape],
    persona: Persona,
    turn: Iterator[int],
) -> Iterator[Awaitable[None]]:
    """Each question in every variant and spelling."""
    templates = set()
    for shape in shapes:
        template = shape.operation.route.template
        others = untaken_methods(operations, template) if template not in templates else frozenset()
        templates.add(template)
        ways = list(variants(shape, matrix.owner, others))
        for question in matrix.questions(shape):
            in_path = any(slot.place == "path" for slot in question.varied)
            spellings = SPELLINGS.items() if in_path else ()
            for name, variant in [*ways, *((n, spelled(question, s)) for n, s in spellings)]:
                yield expect_variant_indistinguishable(
                    matrix, question, persona, next(turn), name=name, variant=variant
                )


async def everything(matrix: Matrix, stored_rows: StoredRows) -> dict[str, object]:
    """All data of both organizations, over HTTP and in the database."""
    tenants = {"the owner": matrix.owner, "the stranger": matrix.stranger}
    found = await together(everything_of(tenant, stored_rows) for tenant in tenants.values())
    return {
        f"{what} of {whose}": value
        for whose, data in zip(tenants, found, strict=True)
        for what, value in data.items()
    }


async def own_write(
    matrix: Matrix, shape: RequestShape, persona: Persona, samples: Samples, instance: int
) -> None:
    """Fail unless the owner may do what strangers were refused."""
    client = persona.client
    job = await client.create_job()
    evidence = await client.new_evidence(job["id"], samples.new())
    export = await client.new_export(job["id"])
    fresh = {"job": job["id"], "evidence": evidence["id"], "export": export["id"]}
    ids = matrix.owner.own_ids(shape.slots)
    ids |= {slot.name: fresh[slot.kind] for slot in shape.slots if slot.kind in fresh}
    async with matrix.cells.of(operation=shape.operation.id, token=persona.name, id="own"):
        answer = await shape.request(ids, samples.new()).send(client, instance)
        expect_own(answer, shape, persona)
        matrix.note(shape, "own", persona)


async def expect_no_deduplication_across_tenants(
    owner: PopulatedTenant, stranger: Organization
) -> None:
    """Fail if an upload shows that another organization has the same bytes."""
    job = await stranger.new_job()
    answer = expect_status(await stranger.client.upload(job["id"], owner.sample), 201)
    expect_equal(
        answer.flag("x-evidence-deduplicated"), False, "deduplication across organizations"
    )
