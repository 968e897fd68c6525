"""What a killed process left in the storage is removed; what has a record or a writer stays."""

import asyncio
import os
import signal
import time
import uuid
from pathlib import Path

import pytest

from reference_backend import database
from reference_backend.worker import litter
from tests.reference_backend.conftest import Backend, Tenant
from tests.reference_backend.worker.conftest import Workers, eventually, logged

pytestmark = pytest.mark.integration


def aged(workers: Workers) -> None:
    """As if all objects had been written an hour ago."""
    for path in objects(workers):
        os.utime(path, (time.time() - 3600,) * 2)


def objects(workers: Workers) -> list[Path]:
    return [path for path in workers.storage_dir.rglob("*") if path.is_file()]


async def tidy(backend: Backend, workers: Workers) -> None:
    aged(workers)
    async with backend_pool(backend) as pool:
        await litter.remove(pool, workers.storage, older_than_s=60)


def backend_pool(backend: Backend) -> database.Pool:
    return database.create_pool(backend.settings, role="service_role", autocommit=True)


async def test_an_object_without_a_record_goes(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    kept = await workers.store_evidence(tenant, b"recorded")
    async with workers.storage.stage() as staged:
        await staged.write(b"x")
        await staged.publish(f"evidence/{tenant.organization_id}/{uuid.uuid4()}.png")
        await tidy(backend, workers)
        assert len(objects(workers)) == 2, "its writer has not ended"
    await tidy(backend, workers)
    assert objects(workers) == [workers.storage_dir / kept["storage_path"]]


async def test_an_attempt_that_died_before_its_commit(
    backend: Backend, workers: Workers, tenant: Tenant
) -> None:
    export = await tenant.request_export()
    victim = workers.start("victim", FAILPOINTS="after_store=sleep:60")
    await eventually(logged(victim, "failpoint after_store"), "the object to be stored")
    victim.send(signal.SIGKILL)
    await victim.exit_code()
    await tidy(backend, workers)
    assert len(workers.stored_objects()) == 1, "the next attempt writes it again"
    await tenant.query("SELECT cancel_export(%s)", export["id"])
    await tidy(backend, workers)
    assert workers.stored_objects() == []


async def test_a_worker_tidies_by_itself_and_leaves_what_is_ready(
    workers: Workers, tenant: Tenant
) -> None:
    litter_path = f"exports/{tenant.organization_id}/{uuid.uuid4()}.{'0' * 64}.zip"
    async with workers.storage.stage() as staged:
        await staged.write(b"x")
        await staged.publish(litter_path)
    workers.start(TIDY_S="1")
    export = await tenant.request_export()
    ready = await workers.wait_for(tenant, export["id"], "ready")

    async def gone() -> bool:
        return not (workers.storage_dir / litter_path).exists()

    await eventually(gone, "the litter to be removed")
    aged(workers)
    await asyncio.to_thread(workers.archive, ready)
