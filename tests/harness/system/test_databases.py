import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from harness.checkers import read_exports
from harness.database import Database
from harness.errors import InstanceFailed, Misconfigured
from harness.history.writer import token_digest
from harness.machine.journal import Journal, read_entries
from harness.machine.processes import processes_of_run
from harness.postgres.server import connect
from harness.recovery.healing import end_run
from harness.recovery.recover import recover
from harness.system import System, SystemDescription, launch, launch_sibling
from harness.system.instrument import observe_leases_of
from harness.target import Target

from .conftest import MakeTarget

pytestmark = pytest.mark.integration

MIGRATE = Path(__file__).with_name("migrate_script.py")


@pytest.fixture
def with_database(make_target: MakeTarget) -> MakeTarget:
    def make(
        *,
        migration: str = "",
        behavior: str = "",
        instrument: str = "true",
        claim: str = "[claim]\n",
    ) -> Target:
        tables = f"""\
DATABASE_URL = "{{database_url}}"
{claim}
[database]
source = "embedded"
instrument = {instrument}
[database.migrate]
command = ["{{python}}", "{MIGRATE}"]
environment = {{ MIGRATION = "{migration}" }}
timeout_s = {1 if migration == "hang" else 30}
[api]
"""
        return make_target(
            ("[api]\n", tables),
            ("instances = 2", "instances = 1"),
            behavior=behavior,
        )

    return make


async def bring_up(target: Target, journal: Journal) -> System:
    return await launch(target, journal=journal, workers=0)


@pytest.fixture
async def system(with_database: MakeTarget, journal: Journal) -> AsyncIterator[System]:
    started = await bring_up(with_database(), journal)
    yield started
    await started.close()


async def ask(url: str | None, statement: str) -> list[tuple[object, ...]]:
    assert url
    async with connect(url) as connection:
        found = await connection.execute(statement.encode())
        return await found.fetchall() if found.description else []


def in_memory(journal: Journal) -> list[Path]:
    return list(Path("/dev/shm").glob(f"*{journal.run_id}*"))


async def databases(system: System) -> set[object]:
    rows = await ask(system.control_url, "SELECT datname FROM pg_database WHERE NOT datistemplate")
    return {name for (name,) in rows}


async def test_the_backend_gets_a_migrated_clone(system: System) -> None:
    assert await ask(system.database_url, "SELECT * FROM seen") == [("backend",)]
    assert system.postgres_version
    assert await databases(system) == {"postgres", "template_main", "system_main"}
    assert await ask(system.readonly_url, "SELECT count(*) FROM exports") == [(0,)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await ask(system.readonly_url, "DELETE FROM seen")
    assert await ask(system.control_url, "SHOW is_superuser") == [("on",)]
    assert await ask(system.database_url, "SHOW is_superuser") == [("off",)]


async def test_the_instrument_loses_no_transition(system: System) -> None:
    export, organization = uuid.uuid4(), uuid.uuid4()
    url = system.database_url
    await ask(url, f"INSERT INTO exports VALUES ('{export}', '{organization}', 'queued', 0)")
    await ask(url, "UPDATE exports SET heartbeat_at = now(), progress = 5")
    await ask(url, "UPDATE exports SET state = 'preparing', attempt = 1, claimed_by = 'w'")
    await ask(url, "UPDATE exports SET heartbeat_at = now()")
    await ask(url, "UPDATE exports SET claimed_by = 'v'")
    await ask(url, "UPDATE exports SET state = 'ready'")
    seen = await ask(
        system.readonly_url,
        "SELECT export_id, organization_id, old_state, new_state, old_attempt, new_attempt,"
        " old_claimed_by, new_claimed_by FROM shakedown.export_transitions ORDER BY n",
    )
    assert [row[2:] for row in seen] == [
        (None, "queued", None, 0, None, None),
        ("queued", "preparing", 0, 1, None, "w"),
        ("preparing", "preparing", 1, 1, "w", "v"),
        ("preparing", "ready", 1, 1, "v", "v"),
    ]
    assert {row[:2] for row in seen} == {(str(export), str(organization))}
    times = await ask(system.readonly_url, "SELECT at, txid FROM shakedown.export_transitions")
    assert len(set(times)) == 4


async def test_leases_are_read_by_the_timeout_that_a_system_has(
    with_database: MakeTarget, journal: Journal
) -> None:
    claim = '[claim]\nlease_until = "heartbeat_at"\n'
    system = await bring_up(with_database(claim=claim), journal)
    assert system.target.worker is not None
    assert system.control_url is not None
    declared_s = system.target.worker.stuck_timeout_s
    url = system.database_url
    lease = "heartbeat_at = '2026-01-01 00:01:00Z'"
    await ask(url, f"INSERT INTO exports VALUES ('{uuid.uuid4()}', NULL, 'queued', 0)")
    await ask(url, f"UPDATE exports SET state = 'preparing', attempt = 1, {lease}")
    await ask(url, "UPDATE exports SET claimed_by = 'w'")
    worker = system.target.worker.model_copy(update={"stuck_timeout_s": 30.0})
    async with connect(system.control_url) as connection:
        changed = system.target.model_copy(update={"worker": worker})
        await observe_leases_of(connection, changed)
    await ask(url, "UPDATE exports SET claimed_by = 'v'")
    seen = await ask(
        system.readonly_url,
        "SELECT heartbeat_at FROM shakedown.export_transitions WHERE heartbeat_at IS NOT NULL"
        " ORDER BY n",
    )
    until = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert seen == [(until - timedelta(seconds=each),) for each in (declared_s, 30)]
    await system.close()


async def test_claim_tokens_are_recorded_as_digests(
    with_database: MakeTarget, journal: Journal
) -> None:
    claim = '[claim.columns]\nclaim_token = "ticket"\n'
    system = await bring_up(with_database(migration="ticket", claim=claim), journal)
    export, token = uuid.uuid4(), str(uuid.uuid4())
    url = system.database_url
    await ask(url, f"INSERT INTO exports VALUES ('{export}', NULL, 'queued', 0)")
    await ask(url, f"UPDATE exports SET state = 'preparing', attempt = 1, ticket = '{token}'")
    await ask(url, "UPDATE exports SET state = 'queued', ticket = NULL")
    seen = await ask(
        system.readonly_url, "SELECT old_token, token FROM shakedown.export_transitions ORDER BY n"
    )
    digest = token_digest(token)
    assert seen == [(None, None), (None, digest), (digest, None)]
    await system.close()


OTHER_WORDS = """\
[contract.values.export.state]
queued = "new"
preparing = ["fetching", "packing"]
ready = "done"
[contract.values.export.error_code]
attempts_exhausted = "GAVE_UP"
[contract.values.ledger_event.event_name]
"export.completed" = "package.finished"
[ledger]
table = "trail"
salts = { s1 = "salt" }
[ledger.columns]
organization_id = "tenant"
event_name = "action"
target_id = "subject"
[claim]
table = "packages"
function = ""
lease_until = "due"
[claim.columns]
id = "nr"
organization_id = "tenant"
state = "phase"
claimed_by = "who"
created_at = "asked"
error_code = "problem"
started_at = ""
"""


async def test_exports_in_other_words_are_seen_in_the_contracts(
    with_database: MakeTarget, journal: Journal
) -> None:
    target = with_database(migration="other words", claim=OTHER_WORDS)
    system = await bring_up(target, journal)
    organization, other = uuid.uuid4(), uuid.uuid4()
    for statement in (
        f"INSERT INTO packages VALUES ('p1', '{organization}', 'new', 0)",
        "UPDATE packages SET phase = 'fetching', attempt = 1, who = 'w', due = '2026-01-01 00:00Z'",
        "UPDATE packages SET phase = 'packing' WHERE nr = 'p1'",
        "UPDATE packages SET phase = 'lost', due = NULL, problem = 'GAVE_UP' WHERE nr = 'p1'",
        f"INSERT INTO packages VALUES ('p2', '{other}', 'new', 0)",
        f"INSERT INTO trail VALUES ('{organization}', 'package.finished', 'p1')",
    ):
        await ask(system.database_url, statement)
    assert system.readonly_url
    database = Database(system.readonly_url)
    observed = await read_exports(database, target, [str(organization)])
    await database.close()
    (export,) = observed.exports
    assert (export.id, export.state, export.attempt) == ("p1", "lost", 1)
    assert export.error_code == "attempts_exhausted"
    assert [each.export_id for each in observed.completions] == ["p1"]
    assert [(step.old_state, step.new_state) for step in observed.watched()] == [
        (None, "queued"),
        ("queued", "preparing"),
        ("preparing", "lost"),  # a word of no meaning stays what it is
    ]
    claim, loss = observed.watched()[1:]
    assert claim.new_claimed_by == "w"
    assert target.worker
    lasts = timedelta(seconds=target.worker.stuck_timeout_s)  # from each sign of life on
    assert loss.heartbeat_at == datetime(2026, 1, 1, tzinfo=UTC) - lasts
    await system.close()


async def test_the_backend_cannot_touch_the_instrument(system: System) -> None:
    for statement in (
        "DELETE FROM shakedown.export_transitions",
        "SELECT * FROM shakedown.export_transitions",
        "DROP FUNCTION shakedown.observe_export() CASCADE",
        "SELECT shakedown.observe_export()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await ask(system.database_url, statement)


async def test_no_function_of_ours_is_for_everybody(system: System) -> None:
    found = await ask(
        system.readonly_url,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'shakedown'::regnamespace"
        " AND has_function_privilege('backend', oid, 'EXECUTE')",
    )
    assert found == []


async def test_without_the_instrument(with_database: MakeTarget, journal: Journal) -> None:
    system = await bring_up(with_database(instrument="false"), journal)
    assert await ask(system.readonly_url, "SELECT to_regnamespace('shakedown')") == [(None,)]
    await system.close()


async def test_siblings_are_fresh_clones(system: System) -> None:
    await ask(system.database_url, "INSERT INTO seen VALUES ('main')")
    one, other = await asyncio.gather(
        launch_sibling(system, api_instances=1), launch_sibling(system, api_instances=0, workers=1)
    )
    assert await ask(one.database_url, "SELECT * FROM seen") == [("backend",)]
    await ask(one.database_url, "DROP TABLE exports")
    assert await ask(other.readonly_url, "SELECT * FROM exports") == []
    assert len({system.database_url, one.database_url, other.database_url}) == 3
    await one.close()
    await other.close()
    assert await databases(system) == {"postgres", "template_main", "system_main"}


async def test_siblings_of_an_attached_process(system: System) -> None:
    attached = System.attach(SystemDescription.from_json(system.describe().to_json()))
    sibling = await launch_sibling(attached, api_instances=1, workers=0)
    assert await ask(sibling.database_url, "SELECT * FROM seen") == [("backend",)]
    await attached.close()
    assert len(await databases(system)) == 3


async def test_a_sibling_can_be_closed_after_the_database_died(system: System) -> None:
    sibling = await launch_sibling(system, api_instances=1)
    assert system.database_server
    system.database_server.kill()
    await sibling.close()
    assert not sibling.is_alive(sibling.api[0])


async def test_secrets_of_the_system(system: System) -> None:
    for url in (system.database_url, system.readonly_url, system.control_url):
        assert url
        password = url.split(":")[2].split("@")[0]
        assert password in system.secrets
    assert str(system.database_url) not in repr(system.describe())


@pytest.mark.parametrize(
    ("migration", "expected"),
    [
        (
            "fail",
            r"exited with 1; .*\n    relation missing, using postgresql://backend:\*\*\*@",
        ),
        ("hang", r"the migrate command did not end within 1 s"),
        ("no table", r"the table 'exports' \(\[claim\] table\) does not exist after the migration"),
        ("no attempt", r"the table 'exports' \(\[claim\] table\) has no attempt; name the table"),
    ],
)
async def test_a_migration_that_fails(
    with_database: MakeTarget, journal: Journal, migration: str, expected: str
) -> None:
    with pytest.raises(Misconfigured, match=expected):
        await bring_up(with_database(migration=migration), journal)
    assert processes_of_run(journal.run_id, journal.run_dir) == []
    assert [entry.kind for entry in read_entries(journal.run_dir).values()] == ["run"]


async def test_a_migration_that_leaves_a_connection_open(
    with_database: MakeTarget, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.system.databases._QUIET_DEADLINE_S", 0.5)
    with pytest.raises(Misconfigured, match=r"still connected .* it must leave nothing running"):
        await bring_up(with_database(migration="linger"), journal)
    (left,) = processes_of_run(journal.run_id, journal.run_dir)
    left_behind = end_run(journal)
    assert left_behind.ended == [f"a process that was left (pid {left.pid})"]


async def test_a_migrate_command_that_is_not_there(
    with_database: MakeTarget, journal: Journal
) -> None:
    target = with_database()
    migrate = target.database.migrate
    assert migrate
    gone = migrate.model_copy(update={"command": ("no-such-program-anywhere",)})
    changed = target.model_copy(
        update={"database": target.database.model_copy(update={"migrate": gone})}
    )
    with pytest.raises(Misconfigured, match=r"database\.migrate\.command: there is no program"):
        await bring_up(changed, journal)


async def test_an_instance_that_fails_takes_the_database_down(
    with_database: MakeTarget, journal: Journal
) -> None:
    with pytest.raises(InstanceFailed):
        await bring_up(with_database(behavior="die:3"), journal)
    assert processes_of_run(journal.run_id, journal.run_dir) == []
    assert [entry.kind for entry in read_entries(journal.run_dir).values()] == ["run"]
    assert in_memory(journal) == []


KILLED = """
import asyncio, sys
from pathlib import Path
from harness.machine.journal import Journal
from harness.system import launch, launch_sibling
from harness.target import load_target

async def main():
    journal = Journal.begin(Path(sys.argv[2]))
    target = load_target(Path(sys.argv[1]))
    system = await launch(target, journal=journal)
    await launch_sibling(system)
    print(journal.run_id, system.database_server.data_dir, flush=True)
    await asyncio.sleep(300)

asyncio.run(main())
"""


def test_recover_after_the_harness_was_killed(
    with_database: MakeTarget, run_base: Path, journal: Journal
) -> None:
    target = with_database()
    harness = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(target.file), str(run_base)], stdout=subprocess.PIPE
    )
    assert harness.stdout
    with harness.stdout:
        run_id, data_dir = harness.stdout.readline().decode().split()
    harness.kill()
    harness.wait()
    running = processes_of_run(run_id, Path(data_dir))
    assert len(running) > 8
    recovery = recover([run_base])
    assert not recovery.problems
    (healing,) = recovery.healed
    assert any(what.startswith("postgres (pid ") for what in healing.ended)
    assert not any(process.is_alive() for process in running)
    assert not Path(data_dir).parent.exists()
    assert not (run_base / f"shakedown-{run_id}").exists()
