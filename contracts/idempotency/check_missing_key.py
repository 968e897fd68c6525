"""Which keys an upload accepts, and which it refuses."""

from contracts.shared.requests.keyed_requests import (
    KeyedRequest,
    expect_new,
    expect_replayed,
    export_of,
    upload_of,
)
from contracts.shared.resources.snapshot import expect_nothing_left, take_snapshot
from harness.check import check
from harness.client import Organization, Record, Samples
from harness.client.stalled_upload import stalled_upload
from harness.expect import expect, expect_status
from harness.plugin.cells import Cells
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
    org: Organization, samples: Samples, observe: Observations, cover: Coverage, cells: Cells
) -> None:
    """Send uploads without a key and with malformed keys, and then with unusual but valid ones.

    The former must be refused by their headers, before the body is complete, and leave nothing.
    Valid keys that differ in one character are different keys. An export needs no key.
    """
    await look_at_refusals(org, samples, observe, cover, cells)
    job = await org.new_job()
    async with cells.of(operation="uploadEvidence", case="no header, half of the body sent"):
        await expect_early_refusal(org, job, samples)
        observe(len(NO_KEY), what="early")

    job = await org.new_job()
    for difference, twins in TWINS.items():
        for which, key in zip(("the first", "the second"), twins, strict=True):
            request = upload_of(job, samples.new())
            case = f"keys that differ in {difference}: {which}"
            async with cells.of(operation="uploadEvidence", case=case):
                await expect_accepted(org, request, key, detail=f"{case}: {key!r}")
                observe(what="accepted keys")
        cover("idempotency keys", operation="uploadEvidence", key=f"differs in {difference}")
    await look_at_exports(org, cells)


async def look_at_refusals(
    org: Organization, samples: Samples, observe: Observations, cover: Coverage, cells: Cells
) -> None:
    """Look whether requests with an invalid key are refused, and leave nothing."""
    job = await org.new_job()
    nothing = await take_snapshot(org.client, job)
    upload, export = upload_of(job, samples.new()), export_of(job)
    asked: list[tuple[KeyedRequest, str, str | None, tuple[int, ...]]]
    asked = [(upload, what, key, (400,)) for what, key in NO_KEY.items()]
    asked += [
        (request, what, key, (400, 422))
        for what, key in MALFORMED.items()
        for request in (upload, export)  # an export needs no key, but a valid one
    ]
    refused = 0
    for request, what, key, statuses in asked:
        operation = request.operation_id
        async with cells.of(operation=operation, case=what):
            answer = await request.send(org.client, key, instance=0)
            detail = f"{request.what} with an invalid key: {what}"
            expect_status(answer, *statuses, detail=detail)
            expect(
                what not in NO_KEY or answer.code,
                expected=f"a problem code for an upload with {what} as Idempotency-Key",
                got=answer.describe(),
            )
            observe(what=f"refused {operation}")
            refused += 1
        cover("idempotency keys", operation=operation, key=what)
    if refused == len(asked):
        async with cells.of(case="what refused requests left"):
            await expect_nothing_left(org.client, nothing, job, what="refused requests")


async def expect_accepted(
    org: Organization, request: KeyedRequest, key: str | None, *, detail: str
) -> None:
    """Fail unless a request is new under this key, and then replayed, also by the key in quotes."""
    answer = await request.send(org.client, key, instance=0)
    expect_new(answer, request, detail=detail)
    if key is not None:
        quotable = request.operation_id == "uploadEvidence" and len(key) < MAX_KEY - 2
        again = await request.send(org.client, f'"{key}"' if quotable else key, instance=0)
        expect_replayed(again, answer)


async def look_at_exports(org: Organization, cells: Cells) -> None:
    """Look whether an export is accepted without a key, and with the longest one."""
    for case, key in (("no header", None), (f"a key of {MAX_KEY} characters", "e" * MAX_KEY)):
        async with cells.of(operation="requestExport", case=case):
            exported = export_of(await org.new_job(), org.client.light_type)
            await expect_accepted(org, exported, key, detail=f"an export with {case}")


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
