"""The field documentation as its tests start it: a database, API processes, keys, a bucket."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from harness.machine.ports import LOOPBACK, free_port
from harness.postgres.cluster import Cluster
from harness.postgres.template import OWNER

ROOT = Path(__file__).parents[2]
PRELUDE = Path(__file__).parent / "fieldwork" / "prelude.sql"
JPEG = b"\xff\xd8\xff\xe0 a roof with a hole"
PDF = b"%PDF-1.7\n% what the adjuster saw\n%%EOF\n"
API_KEY = "anon-key-of-a-fieldwork-under-test"
_DEADLINE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Signer:
    """The auth service: a key, and the document in which it is published."""

    key: ec.EllipticCurvePrivateKey
    kid: str

    @classmethod
    def new(cls) -> "Signer":
        return cls(key=ec.generate_private_key(ec.SECP256R1()), kid=str(uuid.uuid4()))

    def published(self) -> str:
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return json.dumps({"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "ES256"}]})

    def token(self, user: str, **claims: object) -> str:
        said = {
            "sub": user,
            "role": "authenticated",
            "aud": "authenticated",
            "exp": int(time.time()) + 600,
            **claims,
        }
        return jwt.encode(said, self.key, algorithm="ES256", headers={"kid": self.kid})


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who asks one API process or another."""

    clients: tuple[httpx.AsyncClient, ...]
    org: str
    headers: dict[str, str]

    async def ask(self, method: str, path: str, *, at: int = 0, **named: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        headers = {**self.headers, **named.pop("headers", {})}
        return await self.clients[at].request(method, path, headers=headers, **named)

    async def seen(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def work_order(self) -> str:
        body = {"name": "hail, north roof", "source": "web"}
        made = await self.ask("POST", "/rest/v1/work-orders", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def file(
        self,
        order: str,
        content: bytes = JPEG,
        *,
        sent: str | None = None,
        name: str = "roof.jpg",
        content_type: str = "image/jpeg",
        at: int = 0,
        **texts: str,
    ) -> httpx.Response:
        return await self.ask(
            "POST",
            f"/rest/v1/work-orders/{order}/documents",
            at=at,
            headers={"Client-Request-Id": sent or str(uuid.uuid4())},
            files={"file": (name, content, content_type)},
            data=texts,
        )

    async def package(self, order: str) -> str:
        body = {"kind": "insurer_proof", "source": "web"}
        asked = await self.ask("POST", f"/rest/v1/work-orders/{order}/packages", json=body)
        assert asked.status_code in {200, 202}, asked.text
        return str(asked.json()["id"])

    async def package_in(self, package: str, *statuses: str) -> dict[str, Any]:
        """The package, once it has one of these statuses."""
        shown: dict[str, Any] = {}

        async def there() -> bool:
            shown.update(await self.seen(f"/rest/v1/packages/{package}"))
            return shown["status"] in statuses

        await until(there, f"package {package} to be {' or '.join(statuses)}")
        return shown

    async def downloaded(self, path: str) -> httpx.Response:
        """What the address gives that the API sends its clients to."""
        sent = await self.ask("GET", path)
        assert sent.status_code == 302, sent.text
        return await self.clients[0].get(sent.headers["Location"])


@dataclass(kw_only=True)
class House:
    """A running system."""

    directory: Path
    environment: dict[str, str]
    control_url: str
    signer: Signer
    rounds: int = 12
    """How often a probe tries what does not always show."""
    clients: tuple[httpx.AsyncClient, ...] = ()
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start_api(self, name: str) -> None:
        """One more API process, which ends with the system."""
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.foreign.fieldwork", "api"),
            cwd=ROOT,
            env={**self.environment, "PORT": str(port), "WORKER_NAME": name},
        )
        self.processes.append(process)
        client = httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", timeout=30)
        self.clients = (*self.clients, client)
        await until(lambda: _serves(client), "an API process to serve")

    def person(self, role: str = "technician", org: str | None = None) -> Person:
        """A new user of an organization, of a new one where none is named."""
        user, org = str(uuid.uuid4()), org or self.organization()
        with psycopg.connect(self.control_url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO profiles (user_id, org_id, role) VALUES (%s, %s, %s)",
                [user, org, role],
            )
        return self.with_token(self.signer.token(user), org)

    def with_token(self, token: str, org: str = "") -> Person:
        headers = {"Authorization": f"Bearer {token}", "apikey": API_KEY}
        return Person(clients=self.clients, org=org, headers=headers)

    def organization(self) -> str:
        with psycopg.connect(self.control_url, autocommit=True) as connection:
            made = connection.execute(
                "INSERT INTO organizations (name) VALUES ('roofers') RETURNING id"
            ).fetchone()
        assert made is not None
        return str(made[0])

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database as a superuser."""
        with psycopg.connect(self.control_url, autocommit=True) as connection:
            done = connection.execute(statement.encode(), values)
            return done.fetchall() if done.description else []

    def objects(self) -> list[Path]:
        """Every file in the bucket."""
        return [path for path in (self.directory / "bucket").rglob("*") if path.is_file()]


@asynccontextmanager
async def house(cluster: Cluster, *, apis: int = 1, **environment: str) -> AsyncIterator[House]:
    """Start it with these changes of its environment, and leave nothing of it."""
    name = f"fieldwork_{uuid.uuid4().hex[:12]}"
    directory = Path(tempfile.mkdtemp(prefix="shakedown-fieldwork-"))
    signer = Signer.new()
    (directory / "jwks.json").write_text(signer.published())
    running = House(
        directory=directory,
        control_url=cluster.url(name),
        signer=signer,
        environment={
            **os.environ,
            "DATABASE_URL": cluster.url(name, OWNER),
            "STORAGE_DIR": str(directory / "bucket"),
            "AUTH_JWKS": str(directory / "jwks.json"),
            "ANON_KEY": API_KEY,
            "STORAGE_SECRET": "signs-addresses-of-a-bucket-under-test",
            "ACTIVITY_SALT": "salt-of-a-log-under-test",
            "WORKER_EVERY_S": "0.1",
            "STUCK_AFTER_S": "1",
            "HEARTBEAT_S": "0.2",
            **environment,
        },
    )
    await cluster.create_database(name)
    try:
        with psycopg.connect(running.control_url) as connection:
            connection.execute(PRELUDE.read_bytes())
        await asyncio.to_thread(migrate, running.environment)
        for number in range(apis):
            await running.start_api(f"api-{number + 1}")
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
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def migrate(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.foreign.fieldwork", "migrate"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not await holds():
        assert time.monotonic() < deadline, f"waited {_DEADLINE_S:g} s for {what}"
        await asyncio.sleep(0.05)


async def _serves(client: httpx.AsyncClient) -> bool:
    try:
        answer = await client.get("/health", headers={"apikey": API_KEY})
    except httpx.TransportError:
        return False
    return answer.status_code == 200
