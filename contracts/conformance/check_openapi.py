"""The document that is served is the contract's, on every instance, and a valid one."""

import json
from collections.abc import Mapping
from typing import Any

from contracts.conformance.fuzzing.constants import without_constants
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.served_document import (
    DocumentDifference,
    document_differences,
    document_errors,
    wanted_document,
)
from harness.check import check
from harness.client import Answer, Organizations, Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Capability, Target

SHOWN = 5
INSTANCES = 3


@check(
    "contract.openapi",
    "Every instance serves the contract's OpenAPI",
    checklist="Verify the API against its contract",
    needs={Capability.ORGANIZATIONS},
    observes=26,
)
async def check_openapi(
    organizations: Organizations, target: Target, observe: Observations, cells: Cells
) -> None:
    """Read the OpenAPI document from every API instance, without a token and as a viewer.

    It must be valid OpenAPI 3.1 and say what the contract's document says of operations, tokens,
    parameters, bodies and successes. It may have more where that breaks no client, and be written
    in its own way: what the contract leaves open, such as the form of a cursor, is not compared.
    """
    wanted = wanted_document(target)
    no_token = organizations.with_token(None)
    served: dict[str, Any] = {}
    for instance in range(organizations.instances):
        documents: list[dict[str, Any]] = []
        async with cells.of(what="the document"):
            answer = expect_status(await no_token.call("openapi", instance=instance), 200)
            documents.append(_document_in(answer))
        for served in documents:
            # Of a document that is none, nothing else can be said.
            if await _is_valid(cells, served):
                await _compare(cells, wanted, served, target)
        observe(len(documents), what="documents")
    observe(len(Document(wanted).operations), what="operations")
    observe.excuse(
        len(target.contract.absent_operations), "operations that the target declares absent"
    )
    observe.excuse(max(0, INSTANCES - organizations.instances), "fewer than three API instances")
    viewer = (await organizations.new()).as_role("viewer")
    if served:
        async with cells.of(what="the document that a viewer gets"):
            again = expect_status(await viewer.call("openapi"), 200)
            expect_equal(_document_in(again), served, "OpenAPI document that a viewer gets")


def _document_in(answer: Answer) -> dict[str, Any]:
    content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    expect(
        content_type == "application/json"
        or content_type.startswith("application/vnd.oai.openapi"),
        expected="the OpenAPI document as application/json",
        got=f"{content_type!r} with {answer.describe()}",
        rule="header.content-type",
        subject=answer.operation_id,
    )
    expect(
        isinstance(answer.json, Record),
        expected="the OpenAPI document itself: a JSON object without an envelope",
        got=answer.describe(),
    )
    return dict(json.loads(answer.body))


async def _is_valid(cells: Cells, served: dict[str, Any]) -> bool:
    errors = document_errors(served)
    async with cells.of(what="validity"):
        if errors:
            raise CheckFailed(
                expected="a valid OpenAPI 3.1 document",
                got=f"{len(errors)} errors: {'; '.join(errors[:SHOWN])}",
                rule="document.as-contract",
                subject="the whole document",
                aspect=errors[0].partition(": ")[0].replace("/", " "),
            )
    return not errors


async def _compare(
    cells: Cells, wanted: Mapping[str, Any], served: dict[str, Any], target: Target
) -> None:
    """Look at each operation of the contract; every difference of it is a finding."""
    found: dict[str, list[DocumentDifference]] = {name: [] for name in Document(wanted).operations}
    is_translated = target.contract.translates
    compared = without_constants(served, target)
    for each in document_differences(wanted, compared, is_translated=is_translated):
        found.setdefault(each.operation_id, []).append(each)
    for operation_id, differences in found.items():
        for each in differences:
            async with cells.of(operation=operation_id):
                raise CheckFailed(
                    expected=f"the served document to say of {operation_id} what the contract says",
                    got=str(each),
                    rule="document.as-contract",
                    subject=operation_id,
                    aspect=f"{each.about}: {each.what}",
                )
        if not differences:
            async with cells.of(operation=operation_id):
                pass
