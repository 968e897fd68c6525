"""Tenants are alone: what belongs to another organization is as absent as a random id."""

import itertools
from collections.abc import Awaitable, Iterator

from contracts.shared.tenants.operations import Operation, operations_of
from contracts.shared.tenants.populated_tenant import PopulatedTenant, populate_all
from contracts.tenancy.requests.expectations import expect_own
from contracts.tenancy.requests.matrix import Matrix
from contracts.tenancy.requests.personas import Persona, personas, representative, writers
from contracts.tenancy.requests.request_shapes import RequestShape, shapes_with_ids
from contracts.tenancy.requests.stored_rows import StoredRows
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
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability, Target

AT_ONCE = 8
OPERATIONS, IDS, WHO_ASKS = 16, 4, 8
"""Operations of the contract that take an id; own, foreign, absent, malformed ids; who asks."""


@check(
    "tenancy.matrix",
    "What belongs to another organization answers exactly as an id that nothing has",
    checklist="Verify tenant isolation",
    observes=OPERATIONS * IDS * WHO_ASKS,
    needs={Capability.TENANTS},
)
async def check_matrix(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    stored_rows: StoredRows,
    observe: Observations,
    cover: Coverage,
) -> None:
    owner, stranger = await populate_all(await organizations.several(2), samples)
    matrix = Matrix(owner=owner, stranger=stranger, sample=samples.new(), cover=cover)
    operations = operations_of(target)
    shapes, unbuildable = shapes_with_ids(operations)
    at_home = personas(organizations, owner.org)
    strangers = personas(organizations, stranger.org)
    before = await everything(matrix, stored_rows)

    turn = itertools.cycle(range(organizations.instances))
    await together(
        (
            matrix.ask(question, at_home[name], strangers[name], next(turn))
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
    expect_unchanged(after, before, after="all that strangers have tried")

    if owner.values["job"][0] == owner.org.given_job:
        raise Inconclusive(
            "this backend lets nobody make a job: what strangers were refused could not be tried "
            "on one of its owner's that is for nothing else"
        )
    for persona in writers(at_home):
        await together(
            own_write(matrix, shape, persona, samples, next(turn))
            for shape in shapes
            if shape.operation.writes
        )
    await expect_no_deduplication_across_tenants(owner, stranger.org)
    observe(len(matrix.seen), what="cells")
    there = len({shape.operation.id for shape in shapes})
    absent = min(len(target.contract.absent_operations), max(0, OPERATIONS - there))
    observe.excuse(absent * IDS * WHO_ASKS, "operations that are absent")
    observe.excuse(
        (OPERATIONS - absent) * IDS * (WHO_ASKS - len(strangers)),
        "those who need the issuer's secret to ask",
    )
    if unbuildable:
        raise Inconclusive(f"no request can be made from the document for {'; '.join(unbuildable)}")


def variant_requests(
    matrix: Matrix,
    operations: tuple[Operation, ...],
    shapes: list[RequestShape],
    persona: Persona,
    turn: Iterator[int],
) -> Iterator[Awaitable[None]]:
    """Each question again in every variant and spelling."""
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
    """All that both organizations have, over HTTP and in the database."""
    both = (matrix.owner, matrix.stranger)
    shown = await together(tenant.state() for tenant in both)
    found: dict[str, object] = {
        f"{what} of {whose}": state[what]
        for whose, state in zip(("the owner", "the stranger"), shown, strict=True)
        for what in state
    }
    alone = [tenant.org.id for tenant in both if tenant.org.is_fresh]
    stored = await stored_rows.of(alone)
    return found | {f"rows of {table}": rows for table, rows in stored.items()}


async def own_write(
    matrix: Matrix, shape: RequestShape, persona: Persona, samples: Samples, instance: int
) -> None:
    """Fail unless the owner may do to its own what strangers were refused."""
    client = persona.client
    job = await client.create_job()
    evidence = await client.new_evidence(job["id"], samples.new())
    export = await client.new_export(job["id"])
    fresh = {"job": job["id"], "evidence": evidence["id"], "export": export["id"]}
    ids = matrix.owner.own_ids(shape.slots)
    ids |= {slot.name: fresh[slot.kind] for slot in shape.slots if slot.kind in fresh}
    answer = await shape.request(ids, samples.new()).send(client, instance)
    expect_own(answer, shape, persona)
    matrix.note(shape, "own", persona)


async def expect_no_deduplication_across_tenants(
    owner: PopulatedTenant, stranger: Organization
) -> None:
    """Fail when uploading the very bytes that another organization has is not like any upload."""
    job = await stranger.new_job()
    answer = expect_status(await stranger.client.upload(job["id"], owner.sample), 201)
    expect_equal(
        answer.flag("x-evidence-deduplicated"), False, "whether bytes of another organization count"
    )
