"""Workers as they run in production: processes with an environment, killed and paused at will."""

import asyncio
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
import rfc8785

from reference_backend.database import Row
from reference_backend.storage.directory import Storage
from tests.reference_backend.conftest import Backend, Tenant

DEADLINE_S = 30.0


async def eventually(
    condition: Callable[[], Awaitable[bool]], what: str, deadline_s: float = DEADLINE_S
) -> None:
    """Wait until the condition holds; fail with what was waited for."""
    give_up = time.monotonic() + deadline_s
    while not await condition():
        if time.monotonic() > give_up:
            pytest.fail(f"timed out after {deadline_s:g} s waiting for {what}")
        await asyncio.sleep(0.02)


@dataclass
class WorkerProcess:
    """A worker process of ours and what it wrote."""

    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def send(self, signal_number: signal.Signals) -> None:
        self.process.send_signal(signal_number)

    async def exit_code(self, deadline_s: float = DEADLINE_S) -> int:
        return await asyncio.to_thread(self.process.wait, deadline_s)


def logged(worker: WorkerProcess, text: str) -> Callable[[], Awaitable[bool]]:
    """Whether the worker's log has this text."""

    async def has_it() -> bool:
        return text in worker.log

    return has_it


async def interrupt(backend: Backend, seconds: float) -> None:
    """Cut every connection to the database and let nobody in for a while."""
    async with await psycopg.AsyncConnection.connect(
        backend.cluster.url("postgres"), autocommit=True
    ) as admin:
        name = psycopg.sql.Identifier(backend.name)
        door = psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        await admin.execute(door.format(name, psycopg.sql.SQL("false")))
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [backend.name],
        )
        await asyncio.sleep(seconds)
        await admin.execute(door.format(name, psycopg.sql.SQL("true")))


@dataclass
class Workers:
    """Starts workers on one backend, and ends them all afterwards."""

    backend: Backend
    storage: Storage
    storage_dir: Path
    tmp_path: Path
    running: list[WorkerProcess] = field(default_factory=list)

    def start(self, name: str = "w1", **environment: str) -> WorkerProcess:
        log_path = self.tmp_path / f"{name}.log"
        values = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.backend.url,
            "STORAGE_DIR": str(self.storage_dir),
            "WORKER_NAME": name,
            "STUCK_TIMEOUT_S": "1.5",
            "HEARTBEAT_INTERVAL_S": "0.2",
            "SWEEP_INTERVAL_S": "0.2",
            "POLL_INTERVAL_S": "0.2",
            "DRAIN_GRACE_S": "5",
            **environment,
        }
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "reference_backend", "worker"],
                env=values, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.running.append(WorkerProcess(process, log_path))
        return self.running[-1]

    async def store_evidence(self, tenant: Tenant, content: bytes) -> Row:
        """A sealed file, stored as an upload would."""
        async with self.storage.stage() as staged:
            await staged.write(content)
            path = f"evidence/{tenant.organization_id}/{hashlib.md5(content).hexdigest()}.png"  # noqa: S324
            stored = await staged.publish(path)
        job_id = await tenant.new_job()
        return await tenant.seal(job_id, stored.sha256, stored.path, stored.size)

    async def wait_for(self, tenant: Tenant, export_id: uuid.UUID, *states: str) -> Row:
        async def reached() -> bool:
            return (await tenant.export(export_id))["state"] in states

        await eventually(reached, f"export {export_id} to be {' or '.join(states)}")
        return await tenant.export(export_id)

    async def wait_for_heartbeat(self, name: str) -> None:
        async def beats() -> bool:
            rows = await self.backend.control("SELECT 1 FROM workers WHERE name = %s", name)
            return bool(rows)

        await eventually(beats, f"worker {name} to give a sign of life")

    def stored_objects(self) -> list[Path]:
        return [path for path in self.storage_dir.rglob("*.zip") if path.is_file()]

    def archive(self, export: Row) -> zipfile.ZipFile:
        """The archive of a ready export, after holding it against everything that is recorded."""
        content = (self.storage_dir / export["storage_path"]).read_bytes()
        assert len(content) == export["object_size"]
        assert hashlib.sha256(content).hexdigest() == export["object_sha256"]
        archive = zipfile.ZipFile(io.BytesIO(content))
        manifest = archive.read("manifest.json")
        assert hashlib.sha256(manifest).hexdigest() == export["manifest_hash"]
        assert rfc8785.dumps(json.loads(manifest)) == manifest == export["manifest"].encode()
        listed = {file["name"]: file for file in json.loads(manifest)["files"]}
        assert listed.keys() == set(archive.namelist()) - {"manifest.json"}
        for name, entry in listed.items():
            data = archive.read(name)
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"], entry["sha256"])
        return archive


@pytest_asyncio.fixture
async def workers(backend: Backend, tmp_path: Path) -> AsyncIterator[Workers]:
    storage_dir = tmp_path / "storage"
    storage = Storage(storage_dir)
    storage.prepare()
    made = Workers(backend, storage, storage_dir, tmp_path)
    yield made
    for worker in made.running:
        worker.process.kill()
        await asyncio.to_thread(worker.process.wait, 10)
