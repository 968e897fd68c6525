"""The Flask backend as its tests start it: API processes, two workers, one directory."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from harness.machine.ports import LOOPBACK, free_port

ROOT = Path(__file__).parents[2]
ADMIN = {"Authorization": "Bearer only-for-a-depot-under-test"}
JPEG = b"\xff\xd8\xff\xe0 a picture"
_DEADLINE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who asks one API process or the other."""

    clients: tuple[httpx.AsyncClient, ...]
    headers: dict[str, str]

    async def ask(self, method: str, path: str, *, at: int = 0, **named: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        headers = {**self.headers, **named.pop("headers", {})}
        return await self.clients[at].request(method, path, headers=headers, **named)

    async def seen(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, path: str, size: int) -> list[dict[str, Any]]:
        """Everything on all pages of a list."""
        page = await self.seen(f"{path}?page_size={size}")
        items = list(page["items"])
        while page["next"] is not None:
            page = await self.seen(f"{path}?page_size={size}&page_token={page['next']}")
            items += page["items"]
        return items

    async def project(self) -> str:
        made = await self.ask("POST", "/projects", json={"name": "north wing"})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def upload(
        self,
        project: str,
        content: bytes = JPEG,
        *,
        token: str = "t",  # noqa: S107 - no secret
        name: str = "a.jpg",
        media_type: str = "image/jpeg",
        at: int = 0,
        **texts: str,
    ) -> httpx.Response:
        return await self.ask(
            "POST",
            f"/projects/{project}/files",
            at=at,
            headers={"X-Dedup-Token": token},
            files={"file": (name, content, media_type)},
            data=texts,
        )

    async def bundle(self, project: str, kind: str = "full") -> str:
        asked = await self.ask("POST", f"/projects/{project}/bundles/{kind}")
        assert asked.status_code == 201, asked.text
        return str(asked.json()["id"])

    async def bundle_in(self, bundle: str, *states: str) -> dict[str, Any]:
        """The bundle, once it is in one of these states."""
        shown: dict[str, Any] = {}

        async def there() -> bool:
            shown.update(await self.seen(f"/bundles/{bundle}"))
            return shown["status"] in states

        await until(there, f"bundle {bundle} to be {' or '.join(states)}")
        return shown


@dataclass(kw_only=True)
class Depot:
    """A running system."""

    directory: Path
    environment: dict[str, str]
    clients: tuple[httpx.AsyncClient, ...] = ()
    workers: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self, command: str, **environment: str) -> asyncio.subprocess.Process:
        """One more process, which ends with the system."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.foreign.flask", command),
            cwd=ROOT,
            env={**self.environment, **environment},
        )
        self.processes.append(process)
        return process

    async def start_worker(self, name: str) -> None:
        self.workers[name] = await self.start("worker", DEPOT_WORKER_NAME=name)

    async def tenant(self) -> str:
        made = await self.clients[0].post("/admin/tenants", headers=ADMIN, json={"name": "x"})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def person(self, role: str = "clerk", tenant: str | None = None) -> Person:
        tenant = tenant or await self.tenant()
        made = await self.clients[0].post(
            f"/admin/tenants/{tenant}/people", headers=ADMIN, json={"role": role}
        )
        assert made.status_code == 201, made.text
        token = made.json()["token"]
        return Person(clients=self.clients, headers={"Authorization": f"Bearer {token}"})

    def bytes_kept(self) -> list[Path]:
        """Every file in the folders of bytes."""
        folders = (self.directory / "incoming", self.directory / "vault")
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@asynccontextmanager
async def depot(*, apis: int = 2, **environment: str) -> AsyncIterator[Depot]:
    """Start it with these changes of its environment, and leave nothing of it."""
    directory = Path(tempfile.mkdtemp(prefix="shakedown-depot-"))
    running = Depot(
        directory=directory,
        environment={
            **os.environ,
            "DEPOT_DIR": str(directory),
            "DEPOT_ADMIN_TOKEN": ADMIN["Authorization"].partition(" ")[2],
            "DEPOT_JOURNAL_SALT": "only-for-a-depot-under-test",
            "DEPOT_LEASE_S": "1.5",
            "DEPOT_POLL_S": "0.1",
            **environment,
        },
    )
    try:
        for _ in range(apis):
            port = free_port()
            await running.start("api", DEPOT_PORT=str(port))
            client = httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", timeout=30)
            running.clients = (*running.clients, client)
        for name in ("w1", "w2"):
            await running.start_worker(name)
        for client in running.clients:
            await until(lambda at=client: _serves(at), "an API process to serve")  # type: ignore[misc]
        yield running
    finally:
        for client in running.clients:
            await client.aclose()
        for process in running.processes:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()
        shutil.rmtree(directory)


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not await holds():
        assert time.monotonic() < deadline, f"waited {_DEADLINE_S:g} s for {what}"
        await asyncio.sleep(0.05)


async def _serves(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/serving")).status_code == 200
    except httpx.TransportError:
        return False
