"""One chain per organization: appended without forks, verified for real, never rewritten."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_backend import database
from reference_backend.ledger import verify
from reference_backend.ledger.event import LedgerEvent
from reference_backend.ledger.verify import ChainWalk, Verification
from tests.reference_backend.conftest import SALT, SALT_KEY_ID, Backend, Tenant

pytestmark = pytest.mark.integration
SALTS = {SALT_KEY_ID: SALT}


async def _chain(tenant: Tenant) -> list[LedgerEvent]:
    async with database.tenant_transaction(tenant.pool, tenant.claims) as connection:
        return [
            event
            async for batch in verify.read_chain(connection, tenant.organization_id, 10**9)
            for event in batch
        ]


async def _verify(tenant: Tenant, seq: int) -> Verification:
    async with database.tenant_transaction(tenant.pool, tenant.claims) as connection:
        event = next(e for e in await _chain(tenant) if e.ledger_seq == seq)
        return await verify.verify_event(connection, event, SALTS)


async def _append(tenant: Tenant, metadata: str = "{}") -> None:
    await tenant.query(
        "SELECT ledger_append(%s, 'evidence.sealed', 'evidence', NULL, %s)",
        tenant.organization_id, metadata,
    )  # fmt: skip


def _walk(events: list[LedgerEvent]) -> Verification:
    walk = ChainWalk(SALTS)
    walk.extend(events)
    return walk.found


async def test_two_hundred_appends_at_once_are_one_chain(backend: Backend) -> None:
    tenants = [backend.tenant(), backend.tenant()]

    await asyncio.gather(*(_append(tenants[i % 4 == 0]) for i in range(200)))

    for tenant, count in zip(tenants, (150, 50), strict=True):
        chain = await _chain(tenant)
        assert [event.ledger_seq for event in chain] == list(range(1, count + 1))
        assert chain[0].prev_hash is None
        assert _walk(chain) == Verification(
            hash_matches=True, prev_hash_valid=True, chain_ok=True, depth=count
        )
        times = [event.created_at for event in chain]
        assert times == sorted(times)


async def test_hash_parity_on_any_metadata(backend: Backend, tenant: Tenant) -> None:
    documents = st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False,
                      allow_infinity=False), st.text(st.characters(exclude_characters="\0",
                      exclude_categories=["Cs"]))),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
            max_leaves=8,
        ),
        max_size=5,
    )  # fmt: skip
    with psycopg.connect(backend.url) as connection:
        connection.execute("SELECT set_config('request.jwt.claims', %s, false)",
                           [json.dumps(tenant.claims)])  # fmt: skip

        @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
        @given(documents)
        def append(metadata: dict[str, object]) -> None:
            connection.execute(
                "SELECT ledger_append(%s, 'evidence.sealed', 'evidence', NULL, %s)",
                [tenant.organization_id, json.dumps(metadata)],
            )

        append()

    verdict = _walk(await _chain(tenant))
    assert verdict.depth >= 100
    assert verdict.chain_ok


@pytest.mark.parametrize("setting", ["TimeZone = 'Pacific/Chatham'", "DateStyle = 'German, DMY'"])
async def test_the_session_does_not_change_the_hash(
    backend: Backend, tenant: Tenant, setting: str
) -> None:
    async with database.tenant_transaction(backend.pool, tenant.claims) as connection:
        await connection.execute(f"SET LOCAL {setting}".encode())
        await connection.execute(
            "SELECT ledger_append(%s, 'evidence.sealed', 'evidence', NULL, '{}')",
            [tenant.organization_id],
        )
    assert (await _verify(tenant, 1)).chain_ok


@pytest.mark.parametrize("statement", [
    "UPDATE audit_logs SET actor_id = 'x'",
    "UPDATE audit_logs SET actor_id = 'x' WHERE false",
    "DELETE FROM audit_logs",
    "TRUNCATE audit_logs",
    "TRUNCATE audit_logs CASCADE",
])  # fmt: skip
@pytest.mark.parametrize("who", ["owner", "superuser"])
async def test_history_is_not_rewritten(
    backend: Backend, tenant: Tenant, statement: str, who: str
) -> None:
    await _append(tenant)
    url = backend.url if who == "owner" else backend.cluster.url(backend.name)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            await connection.execute(statement.encode())
    assert len(await tenant.ledger()) == 1


@pytest.mark.parametrize(
    ("tamper", "broken_at"),
    [
        ("UPDATE audit_logs SET actor_id = 'mallory' WHERE ledger_seq = 2", 2),
        (("UPDATE audit_logs SET metadata = jsonb_set(metadata, '{a,b,c}', '1.10')"
         " WHERE ledger_seq = 2"), 2),
        ("UPDATE audit_logs SET created_at = created_at + interval '1 us' WHERE ledger_seq = 2", 2),
        ("UPDATE audit_logs SET canonical_version = 2 WHERE ledger_seq = 2", 2),
        ("UPDATE audit_logs SET prev_hash = NULL WHERE ledger_seq = 3", 3),
        ("DELETE FROM audit_logs WHERE ledger_seq = 2", 3),
    ],
)  # fmt: skip
async def test_tampering_is_found(
    backend: Backend, tenant: Tenant, tamper: str, broken_at: int
) -> None:
    for _ in range(4):
        await _append(tenant, '{"a": {"b": {"c": 1.1}}}')
    assert (await _verify(tenant, 4)).chain_ok

    await backend.control("ALTER TABLE audit_logs DISABLE TRIGGER append_only")
    await backend.control(tamper)

    verdict = await _verify(tenant, 4)
    assert not verdict.chain_ok
    assert verdict.broken_at[0] == broken_at
    assert (await _verify(tenant, 1)).chain_ok, "what came before it still holds"


@pytest.mark.parametrize(
    ("change", "hash_matches", "prev_hash_valid"),
    [
        (lambda e: replace(e, actor_id="x"), False, True),
        (lambda e: replace(e, prev_hash="0" * 64), False, False),
        (lambda e: replace(e, salt_key_id="unknown"), False, True),
    ],
)
async def test_the_verdict_tells_hash_and_link_apart(
    tenant: Tenant,
    change: Callable[[LedgerEvent], LedgerEvent],
    hash_matches: bool,
    prev_hash_valid: bool,
) -> None:
    for _ in range(2):
        await _append(tenant)
    first, second = await _chain(tenant)

    verdict = _walk([first, change(second)])

    assert (verdict.hash_matches, verdict.prev_hash_valid, verdict.chain_ok) == (
        hash_matches, prev_hash_valid, False,
    )  # fmt: skip


def test_nothing_walked_is_nothing_verified() -> None:
    assert not ChainWalk(SALTS).found.chain_ok
