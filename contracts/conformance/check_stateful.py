"""The document's links followed: what one answer names, the next request is about."""

import random
from collections import Counter, defaultdict

import pytest

from contracts.conformance.fuzzing.cancellation import cancel_behind_others
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.expectations import expect_nothing_wrong, expect_reached
from contracts.conformance.fuzzing.isolation import Stranger
from contracts.conformance.fuzzing.order import Order, generated
from contracts.conformance.fuzzing.rules import Judge
from contracts.conformance.fuzzing.sending import Sent
from contracts.conformance.fuzzing.walk import Walk
from harness.check import check
from harness.client import Organizations, together
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.system import System
from harness.target import Capability, Target

WALKS, STEPS, CASES = 9, 18, 6
FULL_WALKS, FULL_STEPS, FULL_CASES = 60, 40, 40
AT_ONCE = 6
SPOILED = 3
"""Every so-many-th walk loses the object of its evidence, so that its exports fail."""


@check(
    "contract.stateful",
    "Along the document's links every answer fits the ones before it, and no stranger can follow",
    checklist="Verify the API against its contract",
    observes=100,
    needs={Capability.ORGANIZATIONS, Capability.LOAD},
    deadline_s=600,
)
async def check_stateful(
    organizations: Organizations,
    target: Target,
    system: System,
    pytestconfig: pytest.Config,
    observe: Observations,
    cover: Coverage,
) -> None:
    settings = settings_of(pytestconfig)
    quick = settings.profile == "quick"
    walks, steps, examples = (
        (WALKS, STEPS, CASES) if quick else (FULL_WALKS, FULL_STEPS, FULL_CASES)
    )
    document = Document.of(target)
    cases: defaultdict[str, list[Case]] = defaultdict(list)
    order = Order(
        document=document.raw,
        seed=settings.seed,
        examples=examples,
        coverage=False,
        positive_only=True,
    )
    async for case in generated(order):
        cases[case.operation_id].append(case)
    sent = Sent()
    stranger = Stranger(org=await organizations.new("a stranger"), document=document)
    storage = system.storage_dir if target.storage is not None else None
    going = [
        Walk(
            name=f"walk-{number}",
            org=await organizations.new(f"walker {number}"),
            judge=Judge(document=document),
            cases=cases,
            chance=random.Random(f"{settings.seed}:walk:{number}"),
            stranger=stranger,
            sent=sent,
            spoil_below=storage if number % SPOILED == 0 else None,
        )
        for number in range(walks)
    ]
    await together((walk.go(steps) for walk in going), at_once=AT_ONCE)
    for missed in sorted(set(document.operations) - set(sent.succeeded)):
        if cases[missed]:
            # Only what is about a thing is another question to each walk.
            others = going[-2::-1] if document.operations[missed].path_ids else []
            for walk in (going[-1], *others):
                await walk.reach(missed)
    await cancel_behind_others(stranger.org, document, target, sent, settings.seed)
    expect_nothing_wrong(sent, settings.seed)
    expect_reached(document, sent)
    taken: Counter[str] = sum((walk.links for walk in going), Counter())
    for label in taken:
        operation_id, status, name = label.split(" ")
        cover("links", source=f"{operation_id} {status}", link=name)
    observe(sent.requests, what="steps")
    observe(stranger.tried, what="repeated by a stranger")
