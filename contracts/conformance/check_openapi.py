"""The document that is served is the contract's, on every instance, and a valid one."""

import json
from typing import Any

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.served_document import (
    document_differences,
    document_errors,
    wanted_document,
)
from harness.check import check
from harness.client import Answer, Organizations, Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status
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
    organizations: Organizations, target: Target, observe: Observations
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
        answer = expect_status(await no_token.call("openapi", instance=instance), 200)
        served = _document_in(answer)
        _expect_none(document_errors(served), "a valid OpenAPI 3.1 document", answer)
        found = document_differences(wanted, served, is_translated=target.contract.translates)
        _expect_none(found, "the contract's OpenAPI document", answer)
        observe(what="documents")
    observe(len(Document(wanted).operations), what="operations")
    observe.excuse(
        len(target.contract.absent_operations), "operations that the target declares absent"
    )
    observe.excuse(max(0, INSTANCES - organizations.instances), "fewer than three API instances")
    viewer = (await organizations.new()).as_role("viewer")
    again = expect_status(await viewer.call("openapi"), 200)
    expect_equal(_document_in(again), served, "OpenAPI document that a viewer gets")


def _document_in(answer: Answer) -> dict[str, Any]:
    content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    expect(
        content_type == "application/json"
        or content_type.startswith("application/vnd.oai.openapi"),
        expected="the OpenAPI document as application/json",
        got=f"{content_type!r} with {answer.describe()}",
    )
    expect(
        isinstance(answer.json, Record),
        expected="the OpenAPI document itself: a JSON object without an envelope",
        got=answer.describe(),
    )
    return dict(json.loads(answer.body))


def _expect_none(found: list[str], wanted: str, answer: Answer) -> None:
    if found:
        raise CheckFailed(
            expected=f"{wanted} from API instance {answer.instance + 1}",
            got=f"{len(found)} differences: {'; '.join(found[:SHOWN])}",
        )
