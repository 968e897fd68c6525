"""Requests made up from the document, and broken ones: the contract's conventions always hold."""

from collections.abc import AsyncGenerator

import pytest

from contracts.conformance.fuzzing.cancellation import cancel_behind_others
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.expectations import expect_nothing_wrong, expect_reached
from contracts.conformance.fuzzing.ground import Ground, settle_both
from contracts.conformance.fuzzing.hostile import Hostile
from contracts.conformance.fuzzing.isolation import Stranger
from contracts.conformance.fuzzing.order import Order, generated
from contracts.conformance.fuzzing.rules import Judge
from contracts.conformance.fuzzing.sending import Sender, Sent
from contracts.shared.resources.snapshot import take_snapshot
from harness.check import check
from harness.client import Organizations, Samples
from harness.expect import expect_equal
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.system import System
from harness.target import Capability, Target

QUICK_EXAMPLES = 8
"""Random cases for each operation in the quick profile, beside all boundaries of its schemas."""

FULL_EXAMPLES = 120

REQUESTS, OPERATIONS = 1300, 23
"""At least so many in the quick profile, to so many operations of the contract."""


@check(
    "contract.fuzz",
    "Whatever is sent, the answer is as documented, never a 5xx, and nobody reaches another tenant",
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
) -> None:
    settings = settings_of(pytestconfig)
    seed, thorough = settings.seed, settings.profile != "quick"
    examples = FULL_EXAMPLES if thorough else QUICK_EXAMPLES
    document = Document.of(target)
    absent = len(target.contract.absent_operations)
    observe.excuse(REQUESTS * absent // OPERATIONS, "operations that are absent")
    own, foreign, third = await organizations.several(3)
    grounds = await settle_both((own, foreign), samples, system)
    sent = Sent()
    sender = Sender(judge=Judge(document=document), own=grounds[0], foreign=grounds[1], sent=sent)
    stranger = Stranger(org=third, document=document)
    before = await take_snapshot(foreign.client, *grounds[1].jobs)
    order = Order(document=document.raw, seed=seed, examples=examples)
    await sender.send_all(_hostile(document, thorough=thorough))
    await sender.send_all(generated(order), follow=stranger.faults)
    await cancel_behind_others(third, document, target, sent, seed)
    for finding in sent.findings:
        cover("fuzzing", operation=finding.case.operation_id, phase=finding.case.phase)
    expect_nothing_wrong(sent, seed)
    await _expect_untouched(grounds[1], before)
    expect_reached(document, sent)
    for operation_id in sent.succeeded:
        for phase in sent.phases:
            cover("fuzzing", operation=operation_id, phase=phase)
    observe(sent.requests, what="requests")
    observe(stranger.tried, what="repeated by a stranger")


async def _hostile(document: Document, *, thorough: bool) -> AsyncGenerator[Case, None]:
    for case in Hostile(document, thorough=thorough).cases():
        yield case


async def _expect_untouched(ground: Ground, before: object) -> None:
    after = await take_snapshot(ground.org.client, *ground.jobs)
    expect_equal(after, before, "what the organization has whose ids were used by another one")
