"""Follow the document's links: the next request is about what an answer names."""

import random
from collections import Counter, defaultdict

import pytest

from contracts.conformance.fuzzing.cancellation import cancel_behind_others
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.expectations import (
    expect_every_operation_succeeded,
    report_wrong_answers,
)
from contracts.conformance.fuzzing.generator_process import GeneratorOptions, generate_cases
from contracts.conformance.fuzzing.other_tenant import OtherTenant
from contracts.conformance.fuzzing.results import Results
from contracts.conformance.fuzzing.rules.names import SENTENCES
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.rules.scenario_rules import SENTENCES as SCENARIO_SENTENCES
from contracts.conformance.fuzzing.scenario import Scenario
from harness.check import check
from harness.client import Organizations, together
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.plugin.settings import settings_of
from harness.system import System
from harness.target import Capability, Target

SCENARIOS, STEPS, CASES = 9, 18, 6
FULL_SCENARIOS, FULL_STEPS, FULL_CASES = 60, 40, 40
AT_ONCE = 6
WITH_FAILED_EXPORTS = 3
"""In every third scenario the evidence file is deleted, so that exports fail."""


@check(
    "contract.stateful",
    "Answers along the document's links are consistent",
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
    cells: Cells,
) -> None:
    """Run scenarios: each is one tenant that follows the links of the OpenAPI document.

    Every answer must be documented, agree with the answers before it (ids, owners, states of
    exports) and not be reachable for another tenant. Every operation must succeed at least once.
    """
    settings = settings_of(pytestconfig)
    quick = settings.profile == "quick"
    count, steps, examples = (
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
    results = Results(first_only=cells.stop_at_first)
    other_tenant = OtherTenant(org=await organizations.new("another tenant"), document=document)
    storage = system.storage_dir if target.storage is not None else None
    scenarios = [
        Scenario(
            name=f"walk-{number}",
            org=await organizations.new(f"walker {number}"),
            rules=ResponseRules(document=document),
            cases=cases,
            rng=random.Random(f"{settings.seed}:walk:{number}"),
            other_tenant=other_tenant,
            results=results,
            delete_below=storage if number % WITH_FAILED_EXPORTS == 0 else None,
        )
        for number in range(count)
    ]
    await together((scenario.run(steps) for scenario in scenarios), at_once=AT_ONCE)
    for missed in sorted(set(document.operations) - set(results.succeeded)):
        if cases[missed]:
            # Operations without ids are the same request in every scenario.
            others = scenarios[-2::-1] if document.operations[missed].path_ids else []
            for scenario in (scenarios[-1], *others):
                await scenario.try_operation(missed)
    await cancel_behind_others(other_tenant.org, document, target, results, settings.seed)
    sentences = SENTENCES | SCENARIO_SENTENCES
    await report_wrong_answers(cells, document, results, sentences, settings.seed)
    await expect_every_operation_succeeded(cells, document, results, by_links=True)
    followed: Counter[str] = sum((scenario.links for scenario in scenarios), Counter())
    for label in followed:
        operation_id, status, name = label.split(" ")
        cover("links", source=f"{operation_id} {status}", link=name)
    observe(results.requests, what="steps")
    observe(other_tenant.tried, what="repeated by another tenant")
