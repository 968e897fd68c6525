"""The moment in which an upload becomes a fact, when the database is lost around it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from reference_backend import database
from reference_backend.api import context
from reference_backend.database import Connection, DatabaseUnavailable, Pool
from tests.reference_backend.api.conftest import Api, Member, problem_code

pytestmark = pytest.mark.integration
SEALING = 3
"""Which transaction of an upload it is that seals: after the job's and the key's."""


def lose_the_connection(
    monkeypatch: pytest.MonkeyPatch, *, when: str, afterwards: bool = False
) -> None:
    """Before or after the commit; `afterwards` the database stays away for good."""
    begun = 0

    @asynccontextmanager
    async def losing(pool: Pool, claims: Mapping[str, Any]) -> AsyncIterator[Connection]:
        nonlocal begun
        begun += 1
        if begun > SEALING and afterwards:
            raise DatabaseUnavailable("still away")
        async with database.tenant_transaction(pool, claims) as connection:
            yield connection
            if begun == SEALING and when == "before":
                raise DatabaseUnavailable("lost before the commit")
        if begun == SEALING and when == "after":
            raise DatabaseUnavailable("lost during the commit, which happened")

    monkeypatch.setattr(context, "tenant_transaction", losing)


async def test_lost_before_the_commit(
    api: Api, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = api.objects()
    with monkeypatch.context() as patch:
        lose_the_connection(patch, when="before")
        response = await member.upload(key="k")
    assert (response.status_code, problem_code(response)) == (503, "database_unavailable")
    assert api.objects() == before
    assert await member.ledger() == []
    assert (await member.upload(key="k")).status_code == 201


@pytest.mark.parametrize("afterwards", [False, True])
async def test_lost_during_the_commit(
    api: Api, member: Member, monkeypatch: pytest.MonkeyPatch, afterwards: bool
) -> None:
    with monkeypatch.context() as patch:
        lose_the_connection(patch, when="after", afterwards=afterwards)
        response = await member.upload(key="k")
    assert (response.status_code, problem_code(response)) == (503, "database_unavailable")
    replay = await member.upload(key="k")
    assert (replay.status_code, replay.headers["x-idempotency-replayed"]) == (201, "true")
    assert replay.json()["data"]["storage_path"] in api.objects()
    assert len(await member.ledger()) == 1
