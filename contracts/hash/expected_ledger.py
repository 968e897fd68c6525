"""Every kind of event in one organization, and what its ledger must hold because of them."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.shared.exports.ended_exports import canceled_export, failed_export, failure_within_s
from contracts.shared.ledger.api_chain import expect_event_names
from contracts.shared.resources.rule_ids import EVENT_ONCE
from contracts.shared.resources.stored_objects import StoredObjects
from harness.client import Organization, Record, Samples, together
from harness.expect import expect, expect_equal, expect_status
from harness.findings.exchanges import Exchange, recall
from harness.plugin.cells import Cells
from harness.target import Target
from harness.vocabulary.events import EVENT_NAMES

DESCRIBES = "ledger.event-describes"
"""The rule that an event says who did what."""

FILTERS = {"phase": "after", "range": {"from": 1, "tags": ["a", {"deep": [1.5, "ü", None]}]}}
"""Filters of an export: nested metadata, where a backend records them in the event."""

SEALED = ("evidence.sealed",)
MADE = ("export.requested", "export.completed")
CANCELED = ("export.requested", "export.canceled")
RETRIED = ("export.requested", "export.failed", *MADE)

BY_WORKERS = frozenset({"export.completed", "export.failed"})
"""Events for which the contract names no actor."""


@dataclass(kw_only=True)
class ExpectedLedger:
    """What was done in an organization, by the id of the evidence or export."""

    org: Organization
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of its events, in order."""
    actors: dict[str, str] = field(default_factory=dict)
    """The user who sent the requests."""
    evidence: dict[str, Record] = field(default_factory=dict)
    ready: list[Record] = field(default_factory=list)
    """Exports of both types that are ready."""
    is_whole: bool = True
    """Whether all that was to happen has happened: else more events may come at any moment."""

    def add(self, target: Record, role: str, names: tuple[str, ...]) -> None:
        """Add what a user did with evidence or an export."""
        self.events[target["id"]] = names
        self.actors[target["id"]] = self.org.users[role]
        if names == SEALED:
            self.evidence[target["id"]] = target


async def cause_every_event(
    org: Organization,
    samples: Samples,
    target: Target,
    objects: StoredObjects | None,
    cells: Cells,
) -> ExpectedLedger:
    """Send requests to a new organization that leave every kind of event, each in a cell.

    An export fails only where its file can be taken away and the backend gives up soon enough.
    """
    expected = ExpectedLedger(org=org)
    within_s = failure_within_s(target)
    steps = {"uploads and exports": _seal_and_export(expected, samples)}
    if org.client.has("cancelExport"):
        steps["a canceled export"] = _cancel(expected)
    if objects is not None and within_s is not None and org.client.has("retryExport"):
        steps["an export that is retried"] = _fail_and_retry(expected, samples, objects, within_s)
    done: list[str] = []

    async def take(what: str, step: Coroutine[None, None, None]) -> None:
        async with cells.of(what=f"events of {what}"):
            await step
            done.append(what)

    await together(take(what, step) for what, step in steps.items())
    expected.is_whole = len(done) == len(steps)
    return expected


async def _seal_and_export(expected: ExpectedLedger, samples: Samples) -> None:
    org = expected.org
    job = await org.new_job()
    for role in ("member", "owner"):
        evidence = await org.as_role(role).new_evidence(job["id"], samples.new())
        expected.add(evidence, role, SEALED)
    for role, export_type in zip(("owner", "member"), org.client.export_types, strict=False):
        client = org.as_role(role)
        requested = await client.new_export(job["id"], export_type, filters=FILTERS)
        expected.add(requested, role, MADE)
        expected.ready.append(await client.wait_for_export(requested["id"]))


async def _cancel(expected: ExpectedLedger) -> None:
    canceled, others = await canceled_export(expected.org)
    expected.add(canceled, "member", CANCELED)
    for export in await expected.org.client.wait_for_exports(others):
        expected.add(export, "member", MADE)


async def _fail_and_retry(
    expected: ExpectedLedger, samples: Samples, objects: StoredObjects, within_s: float
) -> None:
    org = expected.org
    evidence, export = await failed_export(org, samples.new(), objects, deadline_s=within_s)
    expected.add(evidence, "member", SEALED)
    if export["state"] == "ready":
        expected.add(export, "member", MADE)
        return
    answer = await org.client.call("retryExport", path={"export_id": export["id"]})
    expect_status(answer, 202)
    await org.client.wait_for_export(export["id"])
    expected.add(export, "member", RETRIED)


async def look_at_recorded_events(
    expected: ExpectedLedger, events: Sequence[Record], exchange: Exchange | None, cells: Cells
) -> None:
    """Look whether the ledger holds exactly the expected events, each with its actor.

    `exchange` is the request that listed them.
    """
    found: dict[str, list[str]] = {}
    for event in events:
        found.setdefault(event["target_id"], []).append(event["event_name"])
        for name, judge in FIELDS.items():
            async with cells.of(event=name_of(event), field=name):
                recall(exchange)
                judge(expected, event)
    for target_id, names in expected.events.items():
        async with cells.of(events=", ".join(names)):
            recall(exchange)
            expect_event_names(found.pop(target_id, ()), names, "one thing, in order")
    async with cells.of(events="about anything else"):
        recall(exchange)
        what = "events about anything else, by its id"
        expect_equal(found, {}, what, rule=EVENT_ONCE)


def name_of(event: Record) -> str:
    """Give an event's name, or `another` for one that the contract does not know."""
    name = str(event["event_name"])
    return name if name in EVENT_NAMES else "another"


def _expect_organization(expected: ExpectedLedger, event: Record) -> None:
    got, what = event["organization_id"], "organization_id of an event"
    expect_equal(got, expected.org.id, what, detail=_shown(event), rule=DESCRIBES)


def _expect_target_type(_: ExpectedLedger, event: Record) -> None:
    wanted, what = event["event_name"].partition(".")[0], "target_type of an event"
    expect_equal(event["target_type"], wanted, what, detail=_shown(event), rule=DESCRIBES)


def _expect_actor(expected: ExpectedLedger, event: Record) -> None:
    actor = expected.actors.get(event["target_id"])
    if event["event_name"] not in BY_WORKERS:
        what = "actor_id of an event"
        expect_equal(event["actor_id"], actor, what, detail=_shown(event), rule=DESCRIBES)
        return
    others = set(expected.org.users.values()) - {actor}
    expect(
        event["actor_id"] not in others,
        expected="no user, or the one who requested the export, as actor_id of an event",
        got=event["actor_id"],
        detail=_shown(event),
        rule=DESCRIBES,
    )


def _shown(event: Record) -> str:
    return f"{event['event_name']} event {event['ledger_seq']}"


FIELDS: Mapping[str, Callable[[ExpectedLedger, Record], None]] = {
    "organization_id": _expect_organization,
    "target_type": _expect_target_type,
    "actor_id": _expect_actor,
}
"""What an event says of what was done, by field."""
