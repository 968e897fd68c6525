"""The ledger over HTTP: in order, in pages, verified by recomputing."""

import hashlib
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import uuid4

import pytest
import pytest_asyncio

from harness.postgres.cluster import Cluster
from reference_backend.ledger.canonical import jsonb_pretty, loads
from tests.reference_backend.api.conftest import (
    PNG,
    Api,
    Member,
    database_of_its_own,
    problem_code,
    serve,
)
from tests.reference_backend.conftest import SALT, Backend

pytestmark = pytest.mark.integration
COUNTER = "ledger_hash_mismatch_total "


@pytest_asyncio.fixture(scope="module")
async def tampered(
    cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Api, Backend]]:
    """A database whose ledger can be changed, by whoever owns the database."""
    storage = tmp_path_factory.mktemp("storage")
    async with (
        database_of_its_own(cluster, template, storage) as backend,
        serve(backend.settings) as api,
    ):
        await backend.control("ALTER TABLE audit_logs DISABLE TRIGGER append_only")
        yield api, backend


async def test_events_in_ascending_order_page_by_page(member: Member) -> None:
    for number in range(5):
        await member.sealed(PNG + bytes([number]))
    listed, cursor = [], None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = await member.get("/api/ledger/events", params=params)
        listed += page["data"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [event["ledger_seq"] for event in listed] == [1, 2, 3, 4, 5]
    assert [event["prev_hash"] for event in listed] == [None, *(e["hash"] for e in listed[:-1])]
    for event in listed:
        assert (await member.get(f"/api/ledger/events/{event['id']}"))["data"] == event


async def test_the_events_of_one_target(member: Member) -> None:
    await member.sealed()
    export = await member.request()
    await member.http.post(f"/api/exports/{export['id']}/cancel")
    page = await member.get("/api/ledger/events", params={"target_id": export["id"]})
    assert [event["event_name"] for event in page["data"]] == [
        "export.requested",
        "export.canceled",
    ]
    nothing = await member.get("/api/ledger/events", params={"target_id": str(uuid4())})
    assert nothing == {"data": [], "next_cursor": None}
    response = await member.http.get("/api/ledger/events", params={"target_id": "x"})
    assert (response.status_code, problem_code(response)) == (400, "invalid_request")


async def test_a_client_can_recompute_the_hash_from_the_answer(member: Member) -> None:
    filters = {"small": 1e-07, "half": 0.5, "ž": [{}, []], "line": "a\nb", "long key": -0.0}
    export = await member.request(filters=filters)
    page = await member.http.get("/api/ledger/events", params={"target_id": export["id"]})
    event = json.loads(page.text, parse_float=Decimal, parse_int=Decimal)["data"][0]
    metadata = loads(page.text[page.text.index('"metadata": ') + 12 : page.text.rindex("}]")])
    named = ("organization_id", "actor_id", "event_name", "target_type", "target_id", "created_at")
    canonical = jsonb_pretty(
        {"ledger_seq": event["ledger_seq"], "metadata": metadata} | {n: event[n] for n in named}
    )
    assert event["hash"] == hashlib.sha256((canonical + SALT).encode()).hexdigest()


async def test_a_sound_chain_verifies(member: Member) -> None:
    for number in range(3):
        await member.sealed(PNG + bytes([number]))
    for depth, event in enumerate(await member.ledger(), 1):
        found = (await member.get(f"/api/ledger/events/{event['id']}/verify"))["data"]
        assert found == {
            "hash_matches": True,
            "prev_hash_valid": True,
            "chain_ok": True,
            "depth": depth,
            "broken_at": [],
        }


@pytest.mark.parametrize(
    ("change", "of_the_changed", "of_the_next"),
    [
        ("metadata = jsonb_set(metadata, '{file_size}', '1')", (False, True), (True, True)),
        ('metadata = metadata || \'{"tag": {"deep": 1}}\'', (False, True), (True, True)),
        ("hash = repeat('0', 64)", (False, True), (True, False)),
        ("prev_hash = repeat('0', 64)", (False, False), (True, True)),
        ("created_at = created_at + interval '1 microsecond'", (False, True), (True, True)),
        ("actor_id = 'somebody else'", (False, True), (True, True)),
        ("salt_key_id = 'unknown'", (False, True), (True, True)),
        ("canonical_version = 2", (False, True), (True, True)),
    ],
)
async def test_a_change_is_named_where_it_is(
    tampered: tuple[Api, Backend],
    change: str,
    of_the_changed: tuple[bool, bool],
    of_the_next: tuple[bool, bool],
) -> None:
    api, backend = tampered
    member = await api.member()
    for number in range(4):
        await member.sealed(PNG + bytes([number]))
    events = await member.ledger()
    where = "ledger_seq = 2 AND organization_id = %s"
    await backend.control(f"UPDATE audit_logs SET {change} WHERE {where}", member.organization.id)

    async def verified(event: dict[str, object]) -> dict[str, object]:
        found: dict[str, object] = (await member.get(f"/api/ledger/events/{event['id']}/verify"))[
            "data"
        ]
        return found

    first, changed, following, last = [await verified(event) for event in events]
    assert first["chain_ok"] is True
    assert (changed["hash_matches"], changed["prev_hash_valid"]) == of_the_changed
    assert (following["hash_matches"], following["prev_hash_valid"]) == of_the_next
    assert [f["chain_ok"] for f in (changed, following, last)] == [False] * 3
    assert 2 in changed["broken_at"]  # type: ignore[operator]
    metrics = (await member.http.get("/metrics")).text
    [count] = [line.split()[1] for line in metrics.splitlines() if line.startswith(COUNTER)]
    assert float(count) >= 3


async def test_a_missing_link_is_seen(tampered: tuple[Api, Backend]) -> None:
    api, backend = tampered
    member = await api.member()
    for number in range(4):
        await member.sealed(PNG + bytes([number]))
    last = (await member.ledger())[-1]
    await backend.control(
        "DELETE FROM audit_logs WHERE ledger_seq = 2 AND organization_id = %s",
        member.organization.id,
    )
    found = (await member.get(f"/api/ledger/events/{last['id']}/verify"))["data"]
    assert (found["hash_matches"], found["prev_hash_valid"]) == (True, True)
    assert (found["chain_ok"], found["depth"]) == (False, 3)
