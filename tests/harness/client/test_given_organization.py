"""An organization whose token was given holds what others, and earlier runs, put there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from harness.client import Organization, Organizations, Routes, Transport
from harness.client.tokens.given_tokens import GivenUser
from harness.errors import Inconclusive
from tests.harness.client.http.test_transport import ROUTES, answering, http, server

NO_SUCH_PATH = http(b'{"code": "not_found"}', "404 Not Found")
CREATED = http(b'{"data": {"id": "new"}}', "201 Created")
GIVEN = http(b'{"data": {"id": "given"}}')


@asynccontextmanager
async def given_organization(*answers: bytes, job: str | None) -> AsyncIterator[Organization]:
    handler, _ = answering(*answers)
    user = GivenUser(key="token", id="u", organization="o", token="t", job=job)
    async with (
        server(handler) as url,
        Organizations(Transport([url]), ROUTES, None, [user]) as organizations,
    ):
        yield await organizations.new()


@pytest.mark.parametrize("job", ["given", None])
async def test_it_is_not_fresh_with_or_without_a_job(job: str | None) -> None:
    async with given_organization(CREATED, job=job) as org:
        assert not org.is_fresh
        assert org.client.is_shared
        assert (await org.new_job())["id"] == "new"


async def test_its_job_is_only_for_checks_that_take_what_others_put_there() -> None:
    async with given_organization(NO_SUCH_PATH, NO_SUCH_PATH, GIVEN, job="given") as org:
        with pytest.raises(Inconclusive, match="needs a job of its own"):
            await org.new_job()
        assert (await org.new_job(may_hold_more=True))["id"] == "given"


async def test_its_job_is_used_where_the_target_says_that_clients_make_none() -> None:
    async with given_organization(GIVEN, job="given") as org:
        client = replace(org.client, routes=Routes(ROUTES, absent=frozenset({"createJob"})))
        org = replace(org, client=client)
        assert (await org.new_job(may_hold_more=True))["id"] == "given"
