"""The document's links followed: what one answer names, the next request is about."""

import random
from collections import Counter, defaultdict

import pytest

from contracts.conformance.fuzzing.cancellation import cancel_behind_others
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.expectations import (
    expect_every_operation_succeeded,
    expect_no_findings,
)
from contracts.conformance.fuzzing.generator_process import GeneratorOptions, generate_cases
from contracts.conformance.fuzzing.other_tenant import OtherTenant
from contracts.conformance.fuzzing.rules import ResponseRules
from contracts.conformance.fuzzing.scenario import Scenario
from contracts.conformance.fuzzing.sending import Results
from harness.check import check
from harness.client import Organizations, together
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.system import System
from harness.target import Capability, Target

SCENARIOS, STEPS, CASES = 9, 18, 6
FULL_SCENARIOS, FULL_STEPS, FULL_CASES = 60, 40, 40
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
    scenarios, steps, examples = (
        (SCENARIOS, STEPS, CASES) if quick else (FULL_SCENARIOS, FULL_STEPS, FULL_CASES)
    )
    document = Document.of(target)
    cases: defaultdict[str, list[Case]] = defaultdict(list)
    options = GeneratorOptions(
        document=document.raw,
        seed=settings.seed,
        examples=examples,
        coverage=False,
        positive_only=True,
    )
    async for case in generate_cases(options):
        cases[case.operation_id].append(case)
    results = Results()
    other_tenant = OtherTenant(org=await organizations.new("a stranger"), document=document)
    storage = system.storage_dir if target.storage is not None else None
    going = [
        Scenario(
            name=f"walk-{number}",
            org=await organizations.new(f"walker {number}"),
            rules=ResponseRules(document=document),
            cases=cases,
            chance=random.Random(f"{settings.seed}:walk:{number}"),
            other_tenant=other_tenant,
            results=results,
            spoil_below=storage if number % SPOILED == 0 else None,
        )
        for number in range(scenarios)
    ]
    await together((scenario.go(steps) for scenario in going), at_once=AT_ONCE)
    for missed in sorted(set(document.operations) - set(results.succeeded)):
        if cases[missed]:
            # Only what is about a thing is another question to each walk.
            others = going[-2::-1] if document.operations[missed].path_ids else []
            for scenario in (going[-1], *others):
                await scenario.reach(missed)
    await cancel_behind_others(other_tenant.org, document, target, results, settings.seed)
    expect_no_findings(results, settings.seed)
    expect_every_operation_succeeded(document, results)
    taken: Counter[str] = sum((scenario.links for scenario in going), Counter())
    for label in taken:
        operation_id, status, name = label.split(" ")
        cover("links", source=f"{operation_id} {status}", link=name)
    observe(results.requests, what="steps")
    observe(other_tenant.tried, what="repeated by a stranger")
