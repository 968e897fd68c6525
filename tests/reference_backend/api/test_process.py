"""The API as the process it is: how it begins, how it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from reference_backend.settings import Settings
from tests.reference_backend.api import wire
from tests.reference_backend.api.conftest import PNG, Member, Organization
from tests.reference_backend.api.test_exports import until
from tests.reference_backend.conftest import SALT, SALT_KEY_ID, Backend

pytestmark = pytest.mark.integration
DEADLINE_S = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": settings.database_url,
        "STORAGE_DIR": str(settings.storage_dir),
        "JWT_SECRET": settings.jwt_secret,
        "LEDGER_SALT": SALT,
        "LEDGER_SALT_KEY_ID": SALT_KEY_ID,
        **more,
    }


@contextmanager
def running(variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "reference_backend", "api"],
        env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def ready(process: subprocess.Popen[str], http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            assert process.poll() is None, process.communicate()[0]
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.02)


async def ended(process: subprocess.Popen[str]) -> int:
    async with asyncio.timeout(DEADLINE_S):
        while (code := process.poll()) is None:
            await asyncio.sleep(0.01)
    return code


async def test_with_a_worker_inside_from_start_to_sigterm(backend: Backend) -> None:
    port = free_port()
    organization = Organization(f"http://127.0.0.1:{port}", backend.settings)
    variables = environment(backend.settings, PORT=str(port), RUN_WORKER="1", POLL_INTERVAL_S="0.1")
    async with organization.client() as http:
        with running(variables) as process:
            await ready(process, http)
            job = (await http.post("/api/jobs", json={"title": "x"})).json()["data"]
            member = Member(organization, http, job["id"])
            await member.sealed()
            export = await member.request()
            assert (await until(member, export["id"], "ready", "failed"))["state"] == "ready"
            process.send_signal(signal.SIGTERM)
            assert await ended(process) == 0


async def test_sigterm_lets_a_request_finish_and_takes_no_new_ones(backend: Backend) -> None:
    port = free_port()
    organization = Organization(f"http://127.0.0.1:{port}", backend.settings)
    async with organization.client() as http:
        with running(environment(backend.settings, PORT=str(port))) as process:
            await ready(process, http)
            job = (await http.post("/api/jobs", json={"title": "x"})).json()["data"]
            body = wire.form(PNG + uuid4().bytes)
            headers = {
                "Authorization": f"Bearer {organization.token()}",
                "Content-Type": "multipart/form-data; boundary=b",
                "Content-Length": str(len(body)),
                "Idempotency-Key": "k",
                "Expect": "100-continue",
            }
            path = f"/api/jobs/{job['id']}/evidence/upload"
            async with wire.connected(organization.base_url) as connection:
                await connection.send(wire.head("POST", path, headers))
                await connection.asked_for_the_body()
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(DEADLINE_S):
                    while True:
                        try:
                            async with wire.connected(organization.base_url):
                                await asyncio.sleep(0.01)
                        except ConnectionError:
                            break
                assert process.poll() is None
                await connection.send(body)
                assert (await connection.answer()).status == 201
            assert await ended(process) == 0


async def test_a_request_that_never_ends_does_not_hold_the_process(backend: Backend) -> None:
    port = free_port()
    organization = Organization(f"http://127.0.0.1:{port}", backend.settings)
    variables = environment(backend.settings, PORT=str(port), DRAIN_GRACE_S="0.5")
    async with organization.client() as http:
        with running(variables) as process:
            await ready(process, http)
            job = (await http.post("/api/jobs", json={"title": "x"})).json()["data"]
            headers = {
                "Authorization": f"Bearer {organization.token()}",
                "Content-Type": "multipart/form-data; boundary=b",
                "Content-Length": "1000",
                "Idempotency-Key": "k",
                "Expect": "100-continue",
            }
            path = f"/api/jobs/{job['id']}/evidence/upload"
            async with wire.connected(organization.base_url) as connection:
                await connection.send(wire.head("POST", path, headers))
                await connection.asked_for_the_body()
                process.send_signal(signal.SIGTERM)
                assert await ended(process) == 0
    assert [p for p in backend.settings.storage_dir.rglob("*") if p.is_file()] == []


async def test_a_port_in_use_is_said(backend: Backend) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with running(environment(backend.settings, PORT=port)) as process:
            assert await ended(process) == 3
            assert process.stdout
            assert f"{port}" in process.stdout.read()


async def test_it_begins_without_a_database_and_is_not_ready(
    backend: Backend, tmp_path: Path
) -> None:
    port = free_port()
    variables = environment(backend.settings, PORT=str(port))
    variables["DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    variables["DB_TIMEOUT_S"] = "1"
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        trust_env=False,
        verify=False,  # noqa: S501
    ) as http:
        with running(variables) as process:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    try:
                        assert (await http.get("/livez")).status_code == 200
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.02)
            assert (await http.get("/readyz")).status_code == 503
            process.send_signal(signal.SIGTERM)
            assert await ended(process) == 0
