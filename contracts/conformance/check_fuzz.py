"""Generated and malformed requests: every answer follows the contract."""

from collections.abc import AsyncGenerator

import pytest

from contracts.conformance.fuzzing.cancellation import cancel_behind_others
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.expectations import (
    expect_every_operation_succeeded,
    report_wrong_answers,
)
from contracts.conformance.fuzzing.generator_process import GeneratorOptions, generate_cases
from contracts.conformance.fuzzing.malformed_cases import MalformedCases
from contracts.conformance.fuzzing.other_tenant import OtherTenant
from contracts.conformance.fuzzing.results import Results
from contracts.conformance.fuzzing.rules.names import SENTENCES
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.sending import Sender
from contracts.conformance.fuzzing.tenant_data import create_tenants
from contracts.shared.resources.snapshot import take_snapshot
from harness.check import check
from harness.client import Organizations, Samples
from harness.expect import expect_equal
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.system import System
from harness.target import Capability, Target

QUICK_EXAMPLES = 8
"""Random cases per operation in the quick profile, besides the boundaries of its schemas."""

FULL_EXAMPLES = 120

REQUESTS, OPERATIONS = 1300, 23
"""Requests to send at least in the quick profile, and operations of the contract."""


@check(
    "contract.fuzz",
    "Generated requests get documented answers",
    checklist="Verify the API against its contract",
    observes=REQUESTS,
    needs={Capability.ORGANIZATIONS, Capability.LOAD},
    deadline_s=600,
)
async def check_fuzz(
    organizations: Organizations,
    samples: Samples,
    target: Target,
    system: System,
    pytestconfig: pytest.Config,
    observe: Observations,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Send requests generated from the OpenAPI document, and malformed ones, as one tenant.

    Every answer must be documented and follow the contract's conventions; none may be a 5xx.
    Every successful request is repeated by another tenant, who must get the 404 of a random id.
    The data of the tenant whose ids were used must not change. The same seed sends the same cases.
    """
    settings = settings_of(pytestconfig)
    seed, thorough = settings.seed, settings.profile != "quick"
    examples = FULL_EXAMPLES if thorough else QUICK_EXAMPLES
    document = Document.of(target)
    absent = len(target.contract.absent_operations)
    observe.excuse(REQUESTS * absent // OPERATIONS, "operations that are absent")
    own, foreign, third = await organizations.several(3)
    tenants = await create_tenants((own, foreign), samples, system)
    results = Results(first_only=cells.stop_at_first)
    sender = Sender(
        rules=ResponseRules(document=document), own=tenants[0], foreign=tenants[1], results=results
    )
    other_tenant = OtherTenant(org=third, document=document)
    before = await take_snapshot(foreign.client, *tenants[1].jobs)
    options = GeneratorOptions(document=document.raw, seed=seed, examples=examples)
    await sender.send_all(_malformed(document, thorough=thorough))
    await sender.send_all(generate_cases(options), follow=other_tenant.violations)
    await cancel_behind_others(third, document, target, results, seed)
    await report_wrong_answers(cells, document, results, SENTENCES, seed)
    async with cells.of(what="data of the organization whose ids were used by another one"):
        after = await take_snapshot(foreign.client, *tenants[1].jobs)
        what = "data of the organization whose ids were used by another one"
        expect_equal(after, before, what, rule="tenancy.foreign-looks-unknown")
    await expect_every_operation_succeeded(cells, document, results)
    for operation_id in results.succeeded:
        for phase in results.phases:
            cover("fuzzing", operation=operation_id, phase=phase)
    observe(results.requests, what="requests")
    observe(other_tenant.tried, what="repeated by another tenant")


async def _malformed(document: Document, *, thorough: bool) -> AsyncGenerator[Case, None]:
    for case in MalformedCases(document, thorough=thorough).cases():
        yield case
