"""Requesting hundreds of exports over several organizations, and seeing what became of them."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain

from harness.checkers import (
    CompletionFact,
    Transition,
    Violation,
    expect_no_violations,
)
from harness.client import Organization, Record, Sample, together
from harness.target import Target
from harness.vocabulary.exports import PREPARING

CAUSES = frozenset({"two-owners", "undecided", "no-such-way"})
"""Rules about the way there: what breaks one of them explains most of what is wrong at the end."""


async def request_exports(
    organizations: Sequence[Organization],
    *,
    jobs_each: int,
    at_once: int = 16,
    export_types: Sequence[str] = ("proof-pack", "ledger"),
    evidence: Sample | None = None,
) -> dict[str, Organization]:
    """Request the exports of so many new jobs in each organization; give the owner by id.

    A large file as `evidence` of each job makes its proof pack take its time.
    """

    async def of_one_job(organization: Organization) -> list[str]:
        job = await organization.new_job()
        if evidence is not None:
            await organization.client.new_evidence(job["id"], evidence)
        return [
            (await organization.client.new_export(job["id"], export_type))["id"]
            for export_type in export_types
        ]

    owners = list(organizations) * jobs_each
    requested = await together(map(of_one_job, owners), at_once=at_once)
    return {
        export_id: owner for owner, ids in zip(owners, requested, strict=True) for export_id in ids
    }


async def wait_for_all(accepted: dict[str, Organization], *, deadline_s: float) -> list[Record]:
    """Wait until every export is ready and give their data."""
    per_organization: dict[str, list[str]] = {}
    for export_id, owner in accepted.items():
        per_organization.setdefault(owner.id, []).append(export_id)
    owners = {owner.id: owner for owner in accepted.values()}
    waits = (
        owners[owner_id].client.wait_for_exports(ids, deadline_s=deadline_s)
        for owner_id, ids in per_organization.items()
    )
    return [export for exports in await together(waits) for export in exports]


async def completions_of(organizations: Iterable[Organization]) -> list[CompletionFact]:
    """Read the `export.completed` events of organizations over HTTP."""
    ledgers = await together(organization.client.ledger_events() for organization in organizations)
    return CompletionFact.from_events(chain.from_iterable(ledgers))


def reclaimed_after_silence(transitions: Iterable[Transition] | None, target: Target) -> set[str]:
    """The exports that were rightly taken back from a worker which had fallen silent.

    Nobody harms workers here, but a machine that stands still for as long as the stuck timeout
    does: what the contract then calls for is no fault of the backend.
    """
    if transitions is None or target.worker is None:
        return set()
    timeout = timedelta(seconds=target.worker.stuck_timeout_s)
    return {
        step.export_id
        for step in transitions
        if step.old_state == PREPARING
        and step.new_state == "queued"
        and step.heartbeat_at is not None
        and step.at >= step.heartbeat_at + timeout
    }


def expect_done_once(violations: Sequence[Violation], *, detail: str = "") -> None:
    """Fail unless nothing was found; what was done twice is told before what came of it."""
    expect_no_violations(
        sorted(violations, key=lambda violation: violation.rule not in CAUSES), detail=detail
    )
