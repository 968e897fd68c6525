"""Races for one export on a system without workers, where each has exactly one right outcome."""

from collections.abc import Sequence

from contracts.shared.exports.workerless_system import WorkerlessSystem
from harness.client import LIVE_STATES, Answer, Client, Record, together
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations

RACERS = 8


async def expect_one_requested(
    workerless: WorkerlessSystem, client: Client, job: Record, observe: Observations
) -> str:
    """Fail unless of raced requests for one job and type one is accepted; give the export's id."""
    race = together(
        client.request_export(job["id"], instance=turn % client.instances) for turn in range(RACERS)
    )
    answers = await workerless.run_with_writes_held(workerless.table, race)
    accepted = [answer for answer in answers if answer.status == 202]
    expect_equal(len(accepted), 1, f"the number of 202 among {RACERS} requests of one export")
    export_id: str = accepted[0].data["id"]
    for answer in answers:
        if answer.status != 202:
            expect_live_answer(answer, export_id)
    expect_equal(
        await events_of(client, export_id),
        ["export.requested"],
        f"the events of an export that was requested {RACERS} times at once",
    )
    observe(RACERS, what="raced requests")
    return export_id


async def expect_one_live(
    client: Client, job: Record, export_id: str, state: str, observe: Observations
) -> None:
    """Fail unless a request for the same job and type, on any instance, answers the live export."""
    for instance in range(client.instances):
        answer = await client.request_export(job["id"], instance=instance)
        expect_live_answer(answer, export_id, detail=f"while the live export is {state}")
        observe(what=f"asked while {state}")
    listed = await client.listed("listExports", path={"job_id": job["id"]})
    live = [export["id"] for export in listed if export["state"] in LIVE_STATES]
    expect_equal(live, [export_id], "the live exports of the job")


async def expect_one_canceled(
    workerless: WorkerlessSystem, client: Client, export_id: str, observe: Observations
) -> None:
    """Fail unless raced cancellations cancel once."""
    answers = await workerless.run_with_writes_held(
        workerless.table, _changed(client, "cancelExport", export_id)
    )
    expect_once(answers, "cancelExport")
    expect_equal(
        (await client.get_export(export_id))["state"], "canceled", "the state after cancelExport"
    )
    names = await events_of(client, export_id)
    expect_equal(names.count("export.canceled"), 1, "the number of export.canceled events")
    observe(RACERS, what="raced cancellations")


async def expect_one_retried(
    workerless: WorkerlessSystem, client: Client, export_id: str, observe: Observations
) -> None:
    """Fail unless raced retries of a failed export queue it again once."""
    answers = await workerless.run_with_writes_held(
        workerless.table, _changed(client, "retryExport", export_id)
    )
    expect_once(answers, "retryExport")
    expect_equal(
        (await client.get_export(export_id))["state"], "queued", "the state after retryExport"
    )
    names = await events_of(client, export_id)
    expect_equal(
        names.count("export.requested"),
        2,
        f"the number of export.requested events of an export that was requested, failed, and was "
        f"retried {RACERS} times at once",
    )
    observe(RACERS, what="raced retries")


async def expect_one_successor(
    workerless: WorkerlessSystem, client: Client, job: Record, export_id: str, observe: Observations
) -> None:
    """Fail unless retries of a failed export, raced with new requests, leave one live export.

    Whichever comes first: the ledger has one more `export.requested` by it.
    """
    before = await requests_of(client, job)
    answers = await workerless.run_with_writes_held(
        workerless.table,
        together(
            _change(client, "retryExport", export_id, turn // 2)
            if turn % 2
            else client.request_export(job["id"], instance=turn // 2 % client.instances)
            for turn in range(RACERS)
        ),
    )
    for answer in answers:
        expect_status(answer, 200, 202, 409, detail="retries beside requests of the same export")
    expect_equal(
        await requests_of(client, job) - before,
        1,
        f"the number of new export.requested events after {RACERS} retries and requests at once",
    )
    listed = await client.listed("listExports", path={"job_id": job["id"]})
    live = [export["id"] for export in listed if export["state"] in LIVE_STATES]
    expect_equal(len(live), 1, "the number of live exports of a job and type afterwards")
    observe(RACERS, what="retries beside requests")


def expect_live_answer(answer: Answer, export_id: str, *, detail: str = "") -> None:
    """Fail unless a request was answered with the export that is live already."""
    expect_status(answer, 200, detail=detail or "one live export of a job and type at a time")
    expect_equal(answer.data["id"], export_id, "the live export that was answered", detail=detail)
    expect(
        answer.flag("x-export-in-progress"),
        expected="X-Export-In-Progress: true with the live export",
        got=answer.describe(),
    )


def expect_once(answers: Sequence[Answer], operation_id: str) -> None:
    """Fail unless one of the racers did it, and each other too or it came too late (409)."""
    for answer in answers:
        expect_status(answer, 202, 409, detail=f"one of {len(answers)} {operation_id} at once")
    expect(
        any(answer.status == 202 for answer in answers),
        expected=f"one of {len(answers)} {operation_id} at once to be accepted",
        got=answers[0].describe(),
    )


async def events_of(client: Client, export_id: str) -> list[str]:
    """The names of an export's events."""
    return [event["event_name"] for event in await client.ledger_events(target_id=export_id)]


async def requests_of(client: Client, job: Record) -> int:
    """How many `export.requested` events there are of all exports of a job."""
    listed = await client.listed("listExports", path={"job_id": job["id"]})
    names = await together(events_of(client, export["id"]) for export in listed)
    return sum(each.count("export.requested") for each in names)


async def _changed(client: Client, operation_id: str, export_id: str) -> list[Answer]:
    return await together(_change(client, operation_id, export_id, turn) for turn in range(RACERS))


async def _change(client: Client, operation_id: str, export_id: str, turn: int) -> Answer:
    path = {"export_id": export_id}
    return await client.call(operation_id, path=path, instance=turn % client.instances)
