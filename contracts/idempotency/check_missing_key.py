"""Which keys an upload accepts, and which it refuses."""

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_new,
    expect_replayed,
    export_of,
    upload_of,
)
from contracts.shared.requests.stalled_upload import stalled_upload
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from harness.check import check
from harness.client import Answer, Organization, Record, Samples
from harness.expect import expect, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.target import Capability

MAX_KEY = 255
EARLY_S = 5.0
"""How long the refusal may take while the body is incomplete."""

NO_KEY = {"no header": None, "an empty header": "", "blanks only": "   "}
"""The contract names the status: 400."""

MALFORMED = {
    f"{MAX_KEY + 1} characters": "k" * (MAX_KEY + 1),
    f"{MAX_KEY + 1} quoted characters": f'"{"k" * (MAX_KEY + 1)}"',
    "1000 characters": "k" * 1000,
    "a tab inside": "tab\tinside",
    "an empty quoted key": '""',
}
"""The contract forbids these without naming a status."""

TWINS = {
    "their last of 255 characters": ("x" * (MAX_KEY - 1) + "1", "x" * (MAX_KEY - 1) + "2"),
    "their 65th of 72 characters": ("y" * 64 + "1" + "y" * 7, "y" * 64 + "2" + "y" * 7),
    "case": ("Photo-Of-The-Roof", "photo-of-the-roof"),
    "punctuation": ("photo_1/of:roof+a=b", "photo-1/of:roof+a=b"),
    "a leading zero": ("007", "7"),
}
"""Pairs of different keys, by what differs."""


@check(
    "idempotency.missing-key",
    "An upload without a valid key is refused early",
    checklist="Verify evidence upload idempotency",
    needs={Capability.ORGANIZATIONS},
    observes=2 * len(NO_KEY) + 2 * len(MALFORMED) + 2 * len(TWINS),
)
async def check_missing_key(
    org: Organization, samples: Samples, observe: Observations, cover: Coverage
) -> None:
    """Send uploads without a key and with malformed keys, and then with unusual but valid ones.

    The former must be refused by their headers, before the body is complete, and leave nothing.
    Valid keys that differ in one character are different keys. An export needs no key.
    """
    job = await org.new_job()
    nothing = await take_snapshot(org.client, job)
    upload = upload_of(job, samples.new())
    for what, key in NO_KEY.items():
        answer = await expect_refused(org, upload, what, key, 400, observe=observe, cover=cover)
        expect(
            answer.code,
            expected=f"a problem code for an upload with {what} as Idempotency-Key",
            got=answer.describe(),
        )
    for what, key in MALFORMED.items():
        for request in (upload, export_of(job)):  # an export needs no key, but a valid one
            await expect_refused(org, request, what, key, 400, 422, observe=observe, cover=cover)
    await expect_nothing_left(org.client, nothing, job, what="refused requests")
    await expect_early_refusal(org, job, samples)
    observe(len(NO_KEY), what="early")

    job = await org.new_job()
    for difference, twins in TWINS.items():
        firsts = [(upload_of(job, samples.new()), twin) for twin in twins]
        for request, key in firsts:
            answer = await request.send(org.client, key)
            expect_new(answer, request, detail=f"keys that differ in {difference}: {key}")
            again = await request.send(org.client, f'"{key}"' if len(key) < MAX_KEY - 2 else key)
            expect_replayed(again, answer)
            observe(what="accepted keys")
        cover("idempotency keys", operation="uploadEvidence", key=f"differs in {difference}")
    exported = export_of(await org.new_job(), "ledger")
    expect_new(await exported.send(org.client, None), exported, detail="an export without a key")
    exported = export_of(await org.new_job(), "ledger")
    first = await exported.send(org.client, "e" * MAX_KEY)
    expect_new(first, exported, detail=f"an export with a key of {MAX_KEY} characters")
    expect_replayed(await exported.send(org.client, "e" * MAX_KEY), first)


async def expect_refused(
    org: Organization,
    request: KeyedRequest,
    what: str,
    key: str | None,
    *statuses: int,
    observe: Observations,
    cover: Coverage,
) -> Answer:
    """Fail unless a request with an invalid key is refused; give the answer."""
    answer = await request.send(org.client, key)
    expect_status(answer, *statuses, detail=f"{request.what} with an invalid key: {what}")
    cover("idempotency keys", operation=request.operation_id, key=what)
    observe(what=f"refused {request.operation_id}")
    return answer


async def expect_early_refusal(org: Organization, job: Record, samples: Samples) -> None:
    """Fail unless an upload without a key is refused before the second half of its body is sent."""
    async with stalled_upload(org.client, job, samples.new(), key=None) as stalled:
        answer = await stalled.early_answer(within_s=EARLY_S)
    expect(
        answer is not None,
        expected="400 for an upload without a key, before its body is complete",
        got=f"no answer within {EARLY_S:g} s after half of the body",
    )
    assert answer is not None
    expect_status(answer, 400, detail="an upload without a key, half of its body sent")
