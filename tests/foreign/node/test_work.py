"""What happens to packages, and to requests, when pieces of the foreign backend go away."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from harness.client.tokens.tokens import recipe_of
from harness.system import Instance, System, launch_sibling

from .house import House, Member
from .probes_of_work import holding, superuser, until

pytestmark = pytest.mark.integration

HOLD_DOCUMENTS = "LOCK TABLE documents IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
async def own(system: System) -> AsyncIterator[House]:
    """A house that a test may break."""
    sibling = await launch_sibling(system, api_instances=2, workers=2)
    try:
        async with AsyncExitStack() as clients:
            yield House(system=sibling, recipe=recipe_of(sibling.target), clients=clients)
    finally:
        await sibling.close()


async def collected_by(member: Member, package: str) -> str:
    return str((await member.until(package, "collecting"))["run"]["worker"])


async def test_a_killed_workers_package_is_taken_back(own: House) -> None:
    member = own.member()
    case = await member.open_case()
    async with holding(own, HOLD_DOCUMENTS):
        package = await member.request(case)
        first = await collected_by(member, package["id"])
        (killed,) = [each for each in own.system.workers if each.name == first]
        await own.system.kill(killed)
    done = await member.until(package["id"], "done")
    assert done["run"]["tries"] == 2
    assert done["run"]["worker"] != first


async def test_a_package_is_broken_after_three_tries_and_gets_three_more(own: House) -> None:
    member = own.member()
    case = await member.open_case()
    async with holding(own, HOLD_DOCUMENTS):  # no try of any worker comes to its end
        package = (await member.request(case))["id"]
        await expire(own, package, tries=3)
    await expect_broken(member, package, tries=3)
    async with holding(own, HOLD_DOCUMENTS):
        await try_again(member, package)
        await expire(own, package, tries=6)
    await expect_broken(member, package, tries=6)
    await try_again(member, package)
    done = await member.until(package, "done")
    assert done["run"]["tries"] == 7


async def expect_broken(member: Member, package: str, *, tries: int) -> None:
    broken = await member.until(package, "broken")
    assert (broken["run"]["tries"], broken["failure"]["code"]) == (tries, "TRIES_EXHAUSTED")


async def try_again(member: Member, package: str) -> None:
    again = await member.http.post(f"/v2/packages/{package}/again")
    assert again.is_success, again.text


async def expire(own: House, package: str, *, tries: int) -> None:
    """End lease after lease of a package, as the death of its worker would, up to a try."""
    change = (
        "UPDATE packages SET lease_until = clock_timestamp() - interval '1 s', lease = %s"
        " WHERE id = %s AND state = 'collecting' AND tries <= %s RETURNING tries"
    )
    async with superuser(own) as connection:

        async def last_one_ended() -> bool:
            values = ("00000000-0000-0000-0000-000000000001", package, tries)
            row = await (await connection.execute(change, values)).fetchone()
            return row is not None and row[0] == tries

        await until(f"try {tries} has lost its lease", last_one_ended)


async def test_a_worker_that_is_told_to_end_gives_back_what_it_has(system: System) -> None:
    hurried = {"DRAIN_SECONDS": "0"}
    sibling = await launch_sibling(system, api_instances=1, workers=2, worker_environment=hurried)
    try:
        async with AsyncExitStack() as clients:
            house = House(system=sibling, recipe=recipe_of(sibling.target), clients=clients)
            member = house.member()
            case = await member.open_case()
            async with holding(house, HOLD_DOCUMENTS):
                package = await member.request(case)
                first = await collected_by(member, package["id"])
                (told,) = [each for each in sibling.workers if each.name == first]
                assert told.pid is not None
                os.kill(told.pid, signal.SIGTERM)
                await until("the worker knows", lambda: says(told.log_path, f"{first} leaves"))
            done = await member.until(package["id"], "done")
            assert (done["run"]["tries"], done["run"]["worker"] == first) == (2, False)
            await until("the worker has ended", lambda: ended(sibling, told))
    finally:
        await sibling.close()


async def ended(system: System, instance: Instance) -> bool:
    return not system.is_alive(instance)


async def says(log: Path, words: str) -> bool:
    return words in await asyncio.to_thread(log.read_text)


async def test_two_tries_write_the_same_bytes(own: House) -> None:
    member = own.member()
    case = await member.open_case()
    await member.file(case)
    package = await member.until((await member.request(case))["id"], "done")
    await member.file(case, b"%PDF-1.7 filed after the request")
    async with superuser(own) as connection:
        await connection.execute(
            "UPDATE packages SET state = 'waiting', stored_at = NULL, contents = NULL,"
            " tries_granted = 9, archive_checksum = NULL WHERE id = %s",
            [package["id"]],
        )
    again = await member.until(package["id"], "done")
    assert again["run"]["tries"] == 2
    assert again["archive"] == package["archive"]
    assert again["contentsDigest"] == package["contentsDigest"]


async def test_a_database_that_is_away_is_an_outage_and_nothing_else(own: House) -> None:
    member = own.member()
    case = await member.open_case()
    name = httpx.URL(str(own.system.control_url)).path.lstrip("/")
    server = str(own.system.control_url).replace(f"/{name}", "/postgres")

    async def answers(status: int) -> bool:
        return (await member.http.get("/health/ready")).status_code == status

    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        await until("no instance is ready", lambda: answers(503))
        for answer in (
            await member.http.get(f"/v2/cases/{case}"),
            await member.file(case),
            await member.http.post("/v2/cases", json={"name": "x"}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
            assert answer.headers["retry-after"] == "1"
        assert (await member.http.get("/health/live")).is_success
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await until("the instance is ready again", lambda: answers(200))
    assert (await member.http.get(f"/v2/cases/{case}/documents")).json()["results"] == []
    package = await member.request(case)
    await member.until(package["id"], "done")


async def test_a_storage_that_is_away_is_an_outage(own: House) -> None:
    member = own.member()
    case = await member.open_case()
    document = (await member.file(case)).json()["result"]
    (stored,) = own.system.run_dir.rglob(document["id"])
    shutil.move(stored, stored.with_suffix(".away"))
    answer = await member.http.get(f"/v2/documents/{document['id']}/raw")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert (await member.http.get(f"/v2/documents/{document['id']}")).is_success
