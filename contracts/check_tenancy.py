"""Tenants are alone: what belongs to another organisation is as absent as a random id."""

import json
import re
import uuid
from typing import Any

from harness.check import check
from harness.client import Answer, Client, Organisation, Record, Route, Sample, Samples
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations
from harness.target import Capability

FREE_TO_DIFFER = {"date", "x-request-id", "server", "content-length", "keep-alive", "connection"}
"""Headers that say nothing about the resource."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@check(
    "tenancy.matrix",
    "What belongs to another organisation answers exactly as an id that nothing has",
    checklist="Verify tenant isolation",
    observes=18,
    needs={Capability.TENANTS},
)
async def check_matrix(
    org: Organisation, other_org: Organisation, samples: Samples, observe: Observations
) -> None:
    owned = await furnish(org, samples)
    before = await state_of(org, owned)
    stranger, sample = other_org.client, samples.new()

    for route in other_org.client.routes.values():
        known = {name: owned[name] for name in route.parameters if name in owned}
        if not known:
            continue
        absent = {name: str(uuid.uuid4()) for name in known}
        foreign = await ask(stranger, route, known, sample)
        random = await ask(stranger, route, absent, sample)
        expect_absent(foreign, random, route)
        observe(what=route.operation_id)

    for about in ({}, {"manifest": owned["manifest"]}):
        foreign = await stranger.call(
            "verifyManifest", json=about | {"export_id": owned["export_id"]}
        )
        random = await stranger.call(
            "verifyManifest", json=about | {"export_id": str(uuid.uuid4())}
        )
        expect_alike(foreign, random, "verifyManifest of a foreign export")
        observe(what="verifyManifest")
    for operation_id in ("listJobs", "listLedgerEvents"):
        seen = await stranger.call(operation_id)
        expect_equal(expect_status(seen, 200).items, [], f"{operation_id} of a new organisation")
    for target_id in (owned["evidence_id"], owned["export_id"]):
        seen = await stranger.call("listLedgerEvents", query={"target_id": target_id})
        expect_equal(expect_status(seen, 200).items, [], "the ledger events of a foreign id")
        observe(what="listLedgerEvents")

    expect_equal(await state_of(org, owned), before, "what the owner sees after a stranger's tries")
    for operation_id in ("getExport", "downloadExport", "getManifest"):
        answer = await org.client.call(operation_id, path={"export_id": owned["export_id"]})
        expect_status(answer, 200, detail="to its owner, who must still get it")


async def furnish(org: Organisation, samples: Samples) -> dict[str, Any]:
    """Give an organisation one of everything that has an id, by the name of its parameter."""
    job = await org.new_job()
    evidence = await org.client.new_evidence(job["id"], samples.new())
    export = await org.client.new_export(job["id"])
    await org.client.wait_for_export(export["id"])
    manifest = await org.client.call("getManifest", path={"export_id": export["id"]})
    return {
        "job_id": job["id"],
        "evidence_id": evidence["id"],
        "export_id": export["id"],
        "event_id": evidence["ledger_event_id"],
        "manifest": expect_status(manifest, 200).document,
    }


async def state_of(org: Organisation, owned: dict[str, Any]) -> dict[str, list[Record]]:
    """Everything that the organisation can list."""
    job = {"job_id": owned["job_id"]}
    return {
        "jobs": await org.client.listed("listJobs"),
        "evidence": await org.client.listed("listEvidence", path=job),
        "exports": await org.client.listed("listExports", path=job),
        "ledger": await org.client.ledger_events(),
    }


async def ask(client: Client, route: Route, ids: dict[str, str], sample: Sample) -> Answer:
    """Send a request that would succeed if the ids were the client's own."""
    path = {"export_type": "proof-pack"} | ids
    if route.operation_id == "uploadEvidence":
        return await client.upload(ids["job_id"], sample)
    body: dict[str, Any] | None = {"filters": {}} if route.operation_id == "requestExport" else None
    return await client.call(route.operation_id, path=path, json=body)


def expect_absent(foreign: Answer, random: Answer, route: Route) -> None:
    """Fail unless a foreign id answers 404, in every way as a random id does."""
    what = f"{route.method} {route.template}"
    expect_status(random, 404, detail=f"{what} with an id that nothing has")
    expect_status(foreign, 404, detail=f"{what} with an id that belongs to another organisation")
    expect_alike(foreign, random, f"{what} with a foreign id")


def expect_alike(foreign: Answer, random: Answer, what: str) -> None:
    """Fail unless two answers are the same but for the ids in them."""
    expect(
        foreign.status == random.status and foreign.code == random.code,
        expected=f"{what} to answer as a random id does: {random.status} {random.code}",
        came=foreign.describe(),
    )
    expect_equal(_neutral_body(foreign), _neutral_body(random), f"the body of {what}")
    expect_equal(_neutral_headers(foreign), _neutral_headers(random), f"the headers of {what}")


def _neutral_body(answer: Answer) -> object:
    text = answer.text
    if answer.request_id:
        text = text.replace(answer.request_id, "(request id)")
    try:
        return json.loads(_UUID.sub("(id)", text))
    except ValueError:
        return _UUID.sub("(id)", text)


def _neutral_headers(answer: Answer) -> dict[str, str]:
    return {
        name.lower(): _UUID.sub("(id)", value)
        for name, value in answer.headers.items()
        if name.lower() not in FREE_TO_DIFFER
    }
