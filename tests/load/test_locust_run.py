"""Locust in its own process against a backend of a few lines, and what its users say of it."""

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from harness.client.run_mark import RunMark, read_leftovers
from harness.errors import Inconclusive
from harness.history import Operation, read_whole_history
from harness.history.entries import End, Writer
from harness.machine.journal import Journal, read_entries
from harness.recovery.healing import end_run
from load.locust_run import LocustRun, run_locust
from load.users.failures import read_failures

pytestmark = pytest.mark.integration


class Backend(BaseHTTPRequestHandler):
    """Keeps no state but the last file of each job: its ids are the jobs' own.

    Every third POST has to be sent again; that and hints before answers are no user's trouble.
    """

    protocol_version = "HTTP/1.1"
    uploads: ClassVar[dict[str, bytes]] = {}
    counted: ClassVar[list[int]] = []
    seen: ClassVar[set[str | None]] = set()
    agents: ClassVar[set[str | None]] = set()
    titles: ClassVar[list[str]] = []
    posts: ClassVar[list[int]] = []
    is_wrong = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.posts.append(1)
        if len(self.posts) % 3 == 0:
            self.send(429, b"<h1>slow down</h1>", {"Retry-After": "0"})
            return
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        self.seen.add(self.headers["authorization"])
        self.agents.add(self.headers["user-agent"])
        job = self.path.split("/")[3] if self.path.count("/") > 2 else ""
        if self.path.endswith("/evidence/upload"):
            self.uploads[job] = body.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
            self.answer(201, {"id": job})
        elif self.path.endswith("/export/proof-pack"):
            self.answer(202, {"id": job, "state": "queued"})
        else:
            self.counted.append(1)
            self.titles.append(json.loads(body)["title"])
            self.answer(201, {"id": f"job-{len(self.counted)}"})

    def do_GET(self) -> None:
        job = self.path.split("/")[3]
        if not self.path.endswith("/download"):
            self.answer(200, {"id": job, "state": "ready"})
            return
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("evidence", self.uploads[job])
        body = buffer.getvalue()
        digest = base64.b64encode(hashlib.sha256(b"" if self.is_wrong else body).digest()).decode()
        self.send(200, body, {"Repr-Digest": f"sha-256=:{digest}:"})

    def answer(self, status: int, data: object) -> None:
        self.send(status, json.dumps({"data": data}).encode(), {})

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


class WrongBackend(Backend):
    """Fails once, and gives the digest of something else."""

    is_wrong = True
    has_failed = False

    def do_GET(self) -> None:
        if self.has_failed:
            super().do_GET()
        else:
            WrongBackend.has_failed = True
            self.send(500, b"oops", {})


@pytest.fixture
def base_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), getattr(request, "param", Backend))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.begin(tmp_path)
    yield journal
    end_run(journal)


class Downloads:
    """Counts what is new each time that it is asked."""

    seen = 0

    def are_enough(self, operations: Iterable[Operation]) -> bool:
        self.seen += sum(each.f == "downloadExport" for each in operations)
        return self.seen >= 6


async def run(
    base_url: str,
    journal: Journal,
    directory: Path,
    tokens: dict[str, str],
    created: Path | None = None,
    failures: Path | None = None,
) -> LocustRun:
    return await run_locust(
        base_urls=[base_url],
        tokens=tokens,
        users=2,
        at_most_s=20,
        is_enough=Downloads().are_enough,
        directory=directory,
        history=directory / "history.jsonl",
        journal=journal,
        created=created,
        failures=failures,
    )


async def test_users_go_all_the_way_and_end_when_it_is_enough(
    base_url: str, journal: Journal, tmp_path: Path
) -> None:
    done = await run(base_url, journal, tmp_path, {"A": "token-a", "B": "token-b"})
    ends = Counter((each.f, each.type) for each in done.operations if each.type != "invoke")
    assert ends["downloadExport", "ok"] >= 3
    assert ends["requestExport", "ok"] >= ends["downloadExport", "ok"]
    assert {each.org for each in done.operations} == {"A", "B"}
    assert not [each.error for each in done.operations if each.error]
    assert done.exit_code == 0
    assert Backend.seen == {"Bearer token-a", "Bearer token-b"}
    assert f"shakedown run/{journal.run_id}" in Backend.agents
    assert any(f"[shakedown {journal.run_id}]" in title for title in Backend.titles)
    assert "token-a" not in (tmp_path / "history.jsonl").read_text()
    written = list(read_whole_history(tmp_path / "history.jsonl"))
    assert isinstance(written[0], Writer)
    assert isinstance(written[-1], End)  # it has ended by itself, with all that it did
    assert written[1:-1] == list(done.operations)
    assert [each.i for each in written] == list(range(len(written)))


async def test_what_users_make_is_the_runs_to_remove(
    base_url: str, journal: Journal, tmp_path: Path
) -> None:
    mark = RunMark(journal.run_id, tmp_path / "created.jsonl")
    tokens = {"A": "token-a", "B": "token-b"}
    done = await run(base_url, journal, tmp_path, tokens, created=mark.file)
    accepted = sum(each.f == "requestExport" and each.type == "ok" for each in done.operations)
    mark.adopt({name: f"Bearer {token}" for name, token in tokens.items()})
    kinds = Counter(one.kind for one in mark.created)
    assert kinds["export"] >= accepted
    assert kinds["job"] >= kinds["evidence"] >= accepted
    assert {one.headers["authorization"] for one in mark.created} == Backend.seen
    assert len(read_leftovers(mark.file, journal.run_id).left) == len(mark.created)
    assert "token-a" not in mark.file.read_text(encoding="utf-8")


async def test_nothing_of_it_is_left(base_url: str, journal: Journal, tmp_path: Path) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    await run(base_url, journal, tmp_path, {"A": "token"})
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
    assert not [each for each in read_entries(journal.run_dir).values() if each.kind == "process"]


@pytest.mark.parametrize("base_url", [WrongBackend], indirect=True)
async def test_what_is_wrong_is_in_the_history_and_failed_requests_are_kept(
    base_url: str, journal: Journal, tmp_path: Path
) -> None:
    failures = tmp_path / "failed.jsonl"
    WrongBackend.has_failed = False
    done = await run(base_url, journal, tmp_path, {"A": "token"}, failures=failures)
    [failed] = read_failures(failures)["getExport"]
    assert (failed.status, failed.answer) == (500, b"oops")
    assert failed.url.startswith(f"{base_url}/api/exports/")
    assert ("Authorization", "Bearer token") in failed.headers
    assert "500: oops" in [each.error for each in done.operations if each.f == "getExport"]
    wrong = [each for each in done.operations if each.error and each.f != "getExport"]
    assert {each.f for each in wrong} == {"downloadExport"}
    assert "Repr-Digest says" in str(wrong[0].error)
    assert wrong[0].sha256


async def test_a_locust_that_cannot_begin_is_inconclusive(
    base_url: str, journal: Journal, tmp_path: Path
) -> None:
    with pytest.raises(Inconclusive, match=r"(?s)locust itself failed.*no token"):
        await run(base_url, journal, tmp_path, {})
