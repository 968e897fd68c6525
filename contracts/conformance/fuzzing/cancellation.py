"""Cancel an export that is still queued: one that waits behind others of its organization."""

import random
from dataclasses import replace

from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.results import Results
from contracts.conformance.fuzzing.rules.response_rules import ResponseRules
from contracts.conformance.fuzzing.sending import send
from harness.client import Organization, Samples, together
from harness.expect import expect_status
from harness.findings.exchanges import remembering
from harness.target import Target

OPERATION = "cancelExport"
SLOT = slot("own", "export_id", 0)

TRIES = 8

LARGE_BYTES = 4 * 1024 * 1024
"""Evidence that keeps a worker busy for tens of milliseconds."""


async def cancel_behind_others(
    org: Organization, document: Document, target: Target, results: Results, seed: int
) -> None:
    """Cancel an export, if no earlier request canceled one: workers may be too fast.

    An organization has a limit of exports in progress, so one that is requested after that many
    large ones waits. If this fails too, `expect_every_operation_succeeded` reports it.
    """
    if OPERATION not in document.operations or results.succeeded[OPERATION]:
        return
    rules, samples = ResponseRules(document=document), Samples(random.Random(f"{seed}:cancel"))
    sample = samples.of_size(min(LARGE_BYTES, target.limits.max_upload_bytes))
    jobs = [await org.new_job() for _ in range(target.limits.per_org_in_progress)]
    await together(org.client.new_evidence(job["id"], sample) for job in jobs)
    for number in range(TRIES):
        waiting = await org.new_job()
        await together(org.client.request_export(job["id"]) for job in jobs)
        answer = await org.client.request_export(waiting["id"], org.client.light_type)
        export_id = expect_status(answer, 202).data["id"]
        own = _cancellation(document, number)
        case = replace(own, target=own.target.replace(SLOT, export_id))
        with remembering() as recent:
            answer = await send(org.client, case, instance=number % org.client.instances)
        results.requests += 1
        if answer.is_a(409):
            continue  # it had already ended
        violations = rules.violations(own, answer)
        results.sent[OPERATION] += 1
        results.add(case, answer, violations, recent)
        if not violations and answer.status < 300:
            results.succeeded[OPERATION] += 1
        return


def _cancellation(document: Document, number: int) -> Case:
    operation = document.operations[OPERATION]
    return Case(
        number=number,
        operation_id=OPERATION,
        phase="by hand",
        positive=True,
        about="an export that waits behind others",
        method=operation.method,
        target=operation.template.replace("{export_id}", SLOT),
        headers=(),
        body=None,
    )
