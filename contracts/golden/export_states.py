"""The states of an export: what its data must be in each state, and which state may follow."""

from collections.abc import Mapping

from contracts.golden.fields import EXPORT, expect_fields
from contracts.shared.resources.conventions import expect_recent, time_of
from contracts.shared.resources.flags import expect_flags
from harness.client import Answer, Client, Organization, Record
from harness.expect import expect, expect_equal, expect_status

NEXT: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"preparing"}),
    "preparing": frozenset({"ready", "failed", "queued"}),
}
"""Which state may follow which without a request."""

EMPTY: Mapping[str, tuple[str, ...]] = {
    "queued": ("manifest", "manifest_hash", "error_code", "completed_at"),
    "preparing": ("error_code", "completed_at"),
    "ready": ("error_code", "error_message"),
}
"""Fields that are null in an export that has never failed."""

FILLED: Mapping[str, tuple[str, ...]] = {
    "queued": ("queue_position",),
    "preparing": ("claimed_by",),
    "ready": ("storage_path", "manifest", "manifest_hash", "started_at", "completed_at"),
}
"""Fields that are not null."""


def expect_export(export: Record, org: Organization) -> None:
    """Fail unless the data of an export is complete and agrees with its state."""
    expect_fields(export, EXPORT)
    expect_equal(export["organization_id"], org.id, "organization_id of an export")
    state = export["state"]
    if state != "queued":
        expect_equal(export["queue_position"], None, f"queue_position of a {state} export")
    if export["attempt"] == (0 if state == "queued" else 1):
        for name in EMPTY.get(state, ()):
            expect_equal(export[name], None, f"{name} of a {state} export")
    for name in FILLED.get(state, ()):
        expect(
            export[name] is not None,
            expected=f"{name} in a {state} export",
            got=f"null in {dict(export)}"[:400],
        )
    if state == "ready":
        expect_equal(export["progress"], 100, "progress of a ready export")
    if state in {"preparing", "ready"}:
        expect(
            export["attempt"] >= 1,
            expected=f"attempt of at least 1 in a {state} export (it grows with every claim)",
            got=str(export["attempt"]),
        )


def expect_step(before: Record, after: Record) -> None:
    """Fail unless an undisturbed export may go from one to the other."""
    for name in ("id", "job_id", "export_type", "filters", "created_at"):
        expect_equal(after[name], before[name], f"{name} of an export that was requested")
    reached, state = {before["state"]}, after["state"]
    for _ in NEXT:  # states between two polls may be missed
        reached |= {further for each in reached for further in NEXT.get(each, ())}
    expect(
        state in reached and state not in {"failed", "canceled"},
        expected=f"an undisturbed export to go from {before['state']} towards ready",
        got=f"{state} ({after['error_code']}: {after['error_message']})",
    )
    expect(
        after["attempt"] >= before["attempt"],
        expected="attempt never to decrease",
        got=f"{before['attempt']}, then {after['attempt']}",
    )


def expect_first_attempt_times(export: Record) -> None:
    """Fail unless an undisturbed export has one attempt, and recent times in order."""
    names = ("created_at", "started_at", "completed_at")
    for name in names:
        expect_recent(export, name)
    times = [time_of(export, name) for name in names]
    expect(
        times == sorted(times),
        expected="created_at, started_at and completed_at in this order",
        got=str([export[name] for name in names]),
    )
    expect_equal(export["attempt"], 1, "attempt of an undisturbed export")


async def expect_not_ready(client: Client, operation_id: str, export_id: str, state: str) -> None:
    """Fail unless an operation shows nothing of an export that is not ready, or verifies false."""
    if operation_id == "verifyManifest":
        expect_false(await client.call(operation_id, json={"export_id": export_id}), state)
        return
    answer = await client.call(operation_id, path={"export_id": export_id})
    expect_status(answer, 409, detail=f"of an export that is {state}")
    expect(
        answer.code,
        expected=f"a problem code from {operation_id} of an export that is {state}",
        got=answer.describe(),
        rule="problem.form",
        subject=operation_id,
    )


def expect_false(answer: Answer, state: str) -> None:
    """Fail unless verification of an export that is not ready answers false three times."""
    names = ("manifest_valid", "export_match", "ledger_match")
    expect_flags(answer, dict.fromkeys(names, False), f"an export that is {state}")


async def expect_refused(client: Client, operation_id: str, export_id: str, state: str) -> None:
    """Fail unless the operation is refused (409) and changes neither the export nor its events."""
    path = {"export_id": export_id}
    before = await client.get_export(export_id)
    events = await client.ledger_events(target_id=export_id)
    answer = await client.call(operation_id, path=path)
    expect_status(answer, 409, detail=f"of an export that is {state}")
    after = await client.get_export(export_id)
    expect_equal(after, before, f"data of an export after a refused {operation_id}")
    after_events = await client.ledger_events(target_id=export_id)
    expect_equal(after_events, events, f"events of an export after a refused {operation_id}")
