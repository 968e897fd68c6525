"""A client that repeats itself, because an answer was lost, changes nothing by it."""

from contracts.one_record import expect_one_answered
from harness.check import check
from harness.client import Organisation, Samples, together
from harness.expect import expect_equal, expect_status
from harness.plugin.observations import Observations

RACERS = 20
RACES = 4


@check(
    "idempotency.concurrent-same-key",
    "Twenty requests with one key at once: one record, one event",
    checklist="Verify evidence upload idempotency",
    observes=(RACES + 1) * RACERS,
)
async def check_concurrent_same_key(
    org: Organisation, samples: Samples, observe: Observations
) -> None:
    job = await org.new_job()
    for race in range(RACES):
        sample, key = samples.new("image/png"), f"race-{race}"
        answers = await together(
            org.client.upload(job["id"], sample, key=key, form={"tag": "raced"})
            for _ in range(RACERS)
        )
        evidence_id = expect_one_answered(answers, fresh=201, what="uploads under one key")
        events = await org.client.ledger_events(target_id=evidence_id)
        expect_equal(
            [event["event_name"] for event in events],
            ["evidence.sealed"],
            f"the ledger events of one upload raced {RACERS} times",
        )
        observe(RACERS, what="uploads")
    listed = await org.client.listed("listEvidence", path={"job_id": job["id"]})
    expect_equal(len(listed), RACES, f"the records after {RACES} raced uploads")

    answers = await together(
        org.client.request_export(job["id"], key="race-export") for _ in range(RACERS)
    )
    export_id = expect_one_answered(answers, fresh=202, what="export requests under one key")
    exports = await org.client.listed("listExports", path={"job_id": job["id"]})
    expect_equal([export["id"] for export in exports], [export_id], "the exports of the job")
    again = await org.client.request_export(job["id"], key="race-export")
    expect_status(again, 200, 202)
    expect_equal(again.data["id"], export_id, "the export that the same key answers with later")
    observe(RACERS, what="export requests")
