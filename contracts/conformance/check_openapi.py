"""The document that is served is the contract's, on every instance, and a valid one."""

import json
from typing import Any

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.served_document import (
    accepted_documents,
    differences,
    document_violations,
)
from harness.check import check
from harness.client import Answer, Organizations, Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations
from harness.target import Capability, Target

SHOWN = 5


@check(
    "contract.openapi",
    "Every instance serves the contract's OpenAPI document, which is valid OpenAPI 3.1",
    checklist="Verify the API against its contract",
    needs={Capability.ORGANIZATIONS},
    observes=26,
)
async def check_openapi(
    organizations: Organizations, target: Target, observe: Observations
) -> None:
    accepted = accepted_documents(target)
    anybody = organizations.with_token(None)
    served: dict[str, Any] = {}
    for instance in range(organizations.instances):
        answer = expect_status(await anybody.call("openapi", instance=instance), 200)
        served = _document_in(answer)
        _expect_none(document_violations(served), "a valid OpenAPI 3.1 document", answer)
        otherwise = min((differences(each, served) for each in accepted), key=len)
        _expect_none(otherwise, "the contract's document, operation by operation", answer)
        observe(what="documents")
    for operation_id in Document(accepted[0]).operations:
        expect(
            operation_id in Document(served).operations,
            expected=f"{operation_id} in the served document",
            got="a document without it",
        )
        observe(what="operations")
    viewed = await organizations.new()
    again = expect_status(await viewed.as_role("viewer").call("openapi"), 200)
    expect_equal(_document_in(again), served, "the document as a tenant's user gets it")


def _document_in(answer: Answer) -> dict[str, Any]:
    declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    expect(
        declared == "application/json" or declared.startswith("application/vnd.oai.openapi"),
        expected="the document as application/json",
        got=f"{declared!r} with {answer.describe()}",
    )
    document = answer.json
    expect(
        isinstance(document, Record),
        expected="the document itself, a JSON object without an envelope",
        got=answer.describe(),
    )
    return dict(json.loads(answer.body))


def _expect_none(violations: list[str], wanted: str, answer: Answer) -> None:
    if violations:
        raise CheckFailed(
            expected=f"{wanted} from API instance {answer.instance + 1}",
            got=f"{len(violations)} differences: {'; '.join(violations[:SHOWN])}",
        )
