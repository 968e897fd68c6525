"""A claim token is the right to write: with a stale one nothing changes, whatever is tried."""

import asyncio
import uuid

import pytest

from reference_backend.database import Row
from tests.reference_backend.conftest import Backend, Tenant

pytestmark = pytest.mark.integration


async def _taken_over(backend: Backend, tenant: Tenant) -> tuple[Row, Row]:
    """The claim of a worker that froze, and the claim of the one that came after it."""
    await tenant.request_export()
    (stale,) = await backend.claim("frozen")
    await backend.silence(stale["id"])
    assert [row["state"] for row in await backend.recover()] == ["queued"]
    (current,) = await backend.claim("fresh")
    return stale, current


async def test_every_claim_has_a_new_token_and_attempt(backend: Backend, tenant: Tenant) -> None:
    stale, current = await _taken_over(backend, tenant)

    assert current["id"] == stale["id"]
    assert current["attempt"] == stale["attempt"] + 1 == 2
    assert current["claim_token"] != stale["claim_token"]


async def test_a_stale_token_changes_nothing(backend: Backend, tenant: Tenant) -> None:
    stale, current = await _taken_over(backend, tenant)
    before = await backend.control("SELECT * FROM exports")

    assert await backend.heartbeat(stale["id"], stale["claim_token"]) == 0
    assert await backend.complete(stale) == []
    assert not await backend.fail(stale)
    released = await backend.service(
        "SELECT release_exports(%s, %s)", [stale["id"]], [stale["claim_token"]]
    )

    assert released == []
    assert await backend.control("SELECT * FROM exports") == before
    assert [event["event_name"] for event in await tenant.ledger()] == ["export.requested"]
    assert await backend.complete(current) == [current["id"]]


async def test_a_requeued_export_cannot_be_completed(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (stale,) = await backend.claim()
    await backend.silence(stale["id"])
    await backend.recover()

    assert await backend.complete(stale) == []
    assert (await tenant.export(stale["id"]))["state"] == "queued"


async def test_completion_and_its_event_are_one(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (claim,) = await backend.claim()

    assert await backend.complete(claim) == [claim["id"]]
    assert await backend.complete(claim) == []

    export = await tenant.export(claim["id"])
    assert (export["state"], export["progress"]) == ("ready", 100)
    requested, completed = await tenant.ledger()
    assert completed["event_name"] == "export.completed"
    assert completed["target_id"] == claim["id"]
    assert completed["metadata"]["manifest_hash"] == export["manifest_hash"]
    assert completed["actor_id"] is None
    assert requested["actor_id"] == tenant.actor


async def test_no_event_no_completion(backend: Backend, tenant: Tenant) -> None:
    """Whatever keeps the event from being written keeps the export from being ready."""
    await tenant.request_export()
    (claim,) = await backend.claim()
    await backend.control("UPDATE ledger_salts SET active = false")

    with pytest.raises(Exception, match="no rows"):
        await backend.complete(claim)

    assert (await tenant.export(claim["id"]))["state"] == "preparing"


async def test_a_batch_completes_what_is_still_held(backend: Backend) -> None:
    first, second = backend.tenant(), backend.tenant()
    await first.exports(3)
    await second.exports(3)
    claims = await backend.claim(limit=6)
    lost = claims[2]
    await backend.silence(lost["id"])
    await backend.recover()

    completed = await backend.complete(*claims)

    assert set(completed) == {claim["id"] for claim in claims} - {lost["id"]}
    for tenant in (first, second):
        assert [event["ledger_seq"] for event in await tenant.ledger()] == list(
            range(1, len(await tenant.ledger()) + 1)
        )


async def test_two_completions_at_once_are_one(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (claim,) = await backend.claim()

    answers = await asyncio.gather(*(backend.complete(claim) for _ in range(8)))

    assert sum(len(answer) for answer in answers) == 1
    assert len(await tenant.ledger()) == 2


async def test_canceling_takes_the_token_away(backend: Backend, tenant: Tenant) -> None:
    await tenant.request_export()
    (claim,) = await backend.claim()

    assert (await tenant.query("SELECT cancel_export(%s) AS done", claim["id"]))[0]["done"]

    assert await backend.heartbeat(claim["id"], claim["claim_token"]) == 0
    assert await backend.complete(claim) == []
    assert (await tenant.export(claim["id"]))["state"] == "canceled"
    assert [event["event_name"] for event in await tenant.ledger()] == [
        "export.requested", "export.canceled",
    ]  # fmt: skip


async def test_heartbeats_and_completions_of_many_rows_do_not_deadlock(backend: Backend) -> None:
    for _ in range(10):
        await backend.tenant().exports(3)
    claims = await backend.claim(limit=30)
    tokens = {claim["id"]: claim["claim_token"] for claim in claims}

    async def beat(ids: list[uuid.UUID]) -> None:
        await backend.service(
            "SELECT heartbeat_exports('w', %s, %s, %s)",
            ids, [tokens[i] for i in ids], [1 for _ in ids],
        )  # fmt: skip

    ids = list(tokens)
    async with asyncio.timeout(30):
        await asyncio.gather(
            *(beat(ids) for _ in range(10)),
            *(beat(ids[::-1]) for _ in range(10)),
            *(backend.complete(*claims[i::3][::-1]) for i in range(3)),
        )

    assert await backend.control("SELECT count(*) AS n FROM exports WHERE state = 'ready'") == [
        {"n": 30}
    ]
