"""The field documentation's workers: leases, the cap, the end of a process, and the log."""

import asyncio
import signal

import psycopg
import pytest

from harness.postgres.cluster import Cluster
from tests.foreign.fieldwork_house import JPEG, house, until

pytestmark = pytest.mark.integration


async def test_what_a_killed_process_had_is_made_by_another(cluster: Cluster) -> None:
    async with house(cluster, apis=1, WORK_S="1.5", STUCK_AFTER_S="0.8") as running:
        person = running.person()
        package = await person.package(await person.work_order())
        await person.package_in(package, "uploading")
        running.processes[0].kill()
        await running.processes[0].wait()
        await running.start_api("api-2")
        person = running.person(org=person.org)
        at = {**person.headers}
        done: dict[str, object] = {}

        async def over() -> bool:
            answer = await running.clients[1].get(f"/rest/v1/packages/{package}", headers=at)
            done.update(answer.json())
            return done["status"] in {"completed", "error"}

        await until(over, "the package to be over")
        assert (done["status"], done["attempts"]) == ("completed", 2)
        logged = running.query(
            "SELECT action FROM activity_log WHERE record_id = %s ORDER BY entry_no", package
        )
        assert logged == [("package.requested",), ("package.completed",)]


async def test_a_process_that_wakes_up_too_late_changes_nothing(cluster: Cluster) -> None:
    async with house(cluster, apis=2, WORK_S="1.5", STUCK_AFTER_S="0.8") as running:
        person = running.person()
        package = await person.package(await person.work_order())
        await person.package_in(package, "generating", "uploading")
        ((owner,),) = running.query("SELECT worker_name FROM proof_packages WHERE id = %s", package)
        frozen = int(owner.removeprefix("api-")) - 1
        running.processes[frozen].send_signal(signal.SIGSTOP)
        other = person.clients[1 - frozen]

        async def done() -> bool:
            answer = await other.get(f"/rest/v1/packages/{package}", headers=person.headers)
            return bool(answer.json()["status"] == "completed")

        await until(done, "the other process to complete it")
        before = running.query("SELECT p FROM proof_packages AS p WHERE id = %s", package)
        running.processes[frozen].send_signal(signal.SIGCONT)
        running.processes[frozen].terminate()
        assert await asyncio.wait_for(running.processes[frozen].wait(), 20) == 0
        assert running.query("SELECT p FROM proof_packages AS p WHERE id = %s", package) == before


async def test_a_process_that_ends_gives_its_package_back(cluster: Cluster) -> None:
    async with house(cluster, apis=1, WORK_S="8", STUCK_AFTER_S="300") as running:
        person = running.person()
        package = await person.package(await person.work_order())
        await person.package_in(package, "generating")
        running.processes[0].terminate()
        assert await asyncio.wait_for(running.processes[0].wait(), 20) == 0
        assert running.query(
            "SELECT status, attempts, attempts_allowed FROM proof_packages WHERE id = %s", package
        ) == [("pending", 1, 4)]


async def test_three_attempts_are_all_until_it_is_tried_again(cluster: Cluster) -> None:
    async with house(cluster, apis=1, WORKER_EVERY_S="600") as running:
        person = running.person()
        package = await person.package(await person.work_order())
        for number in (1, 2, 3, 4, 5, 6):
            assert running.query("SELECT count(*) FROM claim_next_package('w')") == [(1,)]
            running.query("UPDATE proof_packages SET last_seen_at = now() - interval '1 hour'")
            assert running.query("SELECT take_back_stuck_package('1 min')") == [(True,)]
            shown = await person.seen(f"/rest/v1/packages/{package}")
            over = number in (3, 6)
            assert (shown["attempts"], shown["status"]) == (number, "error" if over else "pending")
            if over:
                assert shown["errorReason"] == "too_many_attempts"
                again = await person.ask("POST", f"/rest/v1/packages/{package}/retry")
                assert (again.status_code, again.json()["status"]) == (200, "pending")
        stopped = await person.ask("POST", f"/rest/v1/packages/{package}/cancel")
        assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")
        again = await person.ask("POST", f"/rest/v1/packages/{package}/retry")
        assert again.status_code == 409
        again = await person.ask("POST", f"/rest/v1/packages/{package}/cancel")
        assert again.status_code == 409


async def test_no_organization_has_more_than_its_share_running(cluster: Cluster) -> None:
    async with house(cluster, apis=1, WORKER_EVERY_S="600") as running:
        person = running.person()
        packages = [await person.package(await person.work_order()) for _ in range(8)]
        urls = [running.environment["DATABASE_URL"]] * 8

        async def claim(url: str) -> list[str]:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute("SET ROLE service_role")
                found = await connection.execute("SELECT package_id FROM claim_next_package('w')")
                return [str(each) for (each,) in await found.fetchall()]

        taken = [each for some in await asyncio.gather(*map(claim, urls)) for each in some]
        assert sorted(taken) == sorted(packages[:3])


async def test_nobody_changes_the_log_and_users_see_their_own(cluster: Cluster) -> None:
    async with house(cluster, apis=1) as running:
        people = [running.person() for _ in range(2)]
        for person in people:
            assert (await person.file(await person.work_order(), JPEG)).status_code == 201
        for statement in (
            "UPDATE activity_log SET payload = '{}'",
            "DELETE FROM activity_log",
            "TRUNCATE activity_log",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                running.query(statement)
        owner = running.environment["DATABASE_URL"]
        with psycopg.connect(owner) as connection:
            assert connection.execute("SELECT count(*) FROM documents").fetchone() == (0,)
            connection.execute("SET LOCAL ROLE authenticated")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM claim_next_package('w')")
