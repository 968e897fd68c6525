"""One organization's history with every kind of event in it, and what its ledger must tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.shared.exports.ended_exports import canceled_export, failed_export, failure_within_s
from contracts.shared.resources.stored_objects import StoredObjects
from harness.client import Organization, Record, Samples, together
from harness.expect import expect, expect_equal, expect_status
from harness.target import Target

FILTERS = {"phase": "after", "range": {"from": 1, "tags": ["a", {"deep": [1.5, "ü", None]}]}}
"""Recorded with an export; where a backend puts them into the event, they are metadata at depth."""

SEALED = ("evidence.sealed",)
MADE = ("export.requested", "export.completed")
CANCELED = ("export.requested", "export.canceled")
RETRIED = ("export.requested", "export.failed", *MADE)

BY_THE_SYSTEM = frozenset({"export.completed", "export.failed"})
"""What a worker did, for which the contract names no actor."""


@dataclass(kw_only=True)
class ExpectedLedger:
    """What was done in an organization, by the thing it was done to."""

    org: Organization
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the events about each thing, in their order."""
    actors: dict[str, str] = field(default_factory=dict)
    """The user who did to the thing what users do."""
    evidence: dict[str, Record] = field(default_factory=dict)
    ready: list[Record] = field(default_factory=list)
    """Exports of both types that are ready."""

    def note(self, target: Record, actor: str, names: tuple[str, ...]) -> None:
        """Say what was done to a thing, and by whom."""
        self.events[target["id"]] = names
        self.actors[target["id"]] = actor
        if names == SEALED:
            self.evidence[target["id"]] = target

    @property
    def length(self) -> int:
        """How many events there must be."""
        return sum(map(len, self.events.values()))


async def cause_every_event(
    org: Organization, samples: Samples, target: Target, objects: StoredObjects | None
) -> ExpectedLedger:
    """Do in a new organization everything that leaves an event.

    An export fails only where its file can be taken away, and soon enough.
    """
    history = ExpectedLedger(org=org)
    within_s = failure_within_s(target)
    deeds = [_seal_and_export(history, samples), _cancel(history)]
    if objects is not None and within_s is not None:
        deeds.append(_fail_and_retry(history, samples, objects, within_s))
    await together(deeds)
    return history


async def _seal_and_export(history: ExpectedLedger, samples: Samples) -> None:
    org = history.org
    job = await org.new_job()
    for role in ("member", "owner"):
        evidence = await org.as_role(role).new_evidence(job["id"], samples.new())
        history.note(evidence, org.users[role], SEALED)
    for role, export_type in (("owner", "proof-pack"), ("member", "ledger")):
        client = org.as_role(role)
        requested = await client.new_export(job["id"], export_type, filters=FILTERS)
        history.note(requested, org.users[role], MADE)
        history.ready.append(await client.wait_for_export(requested["id"]))


async def _cancel(history: ExpectedLedger) -> None:
    org = history.org
    canceled, others = await canceled_export(org)
    history.note(canceled, org.users["member"], CANCELED)
    for export in await org.client.wait_for_exports(others):
        history.note(export, org.users["member"], MADE)


async def _fail_and_retry(
    history: ExpectedLedger, samples: Samples, objects: StoredObjects, within_s: float
) -> None:
    org = history.org
    evidence, export = await failed_export(org, samples.new(), objects, deadline_s=within_s)
    history.note(evidence, org.users["member"], SEALED)
    if export["state"] == "ready":
        history.note(export, org.users["member"], MADE)
        return
    answer = await org.client.call("retryExport", path={"export_id": export["id"]})
    expect_status(answer, 202)
    await org.client.wait_for_export(export["id"])
    history.note(export, org.users["member"], RETRIED)


def expect_recorded_events(history: ExpectedLedger, events: Sequence[Record]) -> None:
    """Fail unless the ledger tells this history: every event once, about what, by whom."""
    told: dict[str, list[str]] = {}
    for event in events:
        told.setdefault(event["target_id"], []).append(event["event_name"])
        _expect_attributed(history, event)
    for target_id, names in history.events.items():
        expect_equal(
            tuple(told.pop(target_id, ())), names, f"the events about {target_id}, in their order"
        )
    expect(
        not told,
        expected="no event about anything else",
        got=f"{told} in the ledger of organization {history.org.id}",
    )


def _expect_attributed(history: ExpectedLedger, event: Record) -> None:
    what = f"{event['event_name']} event {event['ledger_seq']}"
    expect_equal(event["organization_id"], history.org.id, f"the organization_id of {what}")
    expect_equal(
        event["target_type"], event["event_name"].partition(".")[0], f"the target_type of {what}"
    )
    actor = history.actors.get(event["target_id"])
    if event["event_name"] not in BY_THE_SYSTEM:
        expect_equal(event["actor_id"], actor, f"the actor_id of {what}")
        return
    strangers = set(history.org.users.values()) - {actor}
    expect(
        event["actor_id"] not in strangers,
        expected=f"nobody as the actor of {what}, which a worker did, or who requested it",
        got=event["actor_id"],
    )
