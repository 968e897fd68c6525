"""Users who upload a file, have it exported, and hold the download against its digest.

    eval "$(shakedown up …)"        # or any backend that speaks the contract
    locust -f load/locustfile.py --host "$BACKEND_URL"

The environment tells who they are: JWT_ORG_A, JWT_ORG_B, … (each user belongs to one of these
organisations), or JWT_TOKEN. Without `--host` they spread over BACKEND_URLS, or go to BACKEND_URL.
Where SHAKEDOWN_HISTORY names a file, everything they do is appended to it (harness/history.py).
"""

import hashlib
import itertools
import os
import time
import uuid
from pathlib import Path
from typing import Any, NoReturn

import gevent
from geventhttpclient.useragent import BadStatusCode
from locust import FastHttpUser, between, events, task
from locust.env import Environment
from locust.exception import RescheduleTask

from harness.client.samples.images import png
from harness.documents import BadDocument, parse
from harness.history import CRASH, HistoryWriter, OperationType
from harness.redaction import Redactor
from load.bounded_responses import BoundedResponse
from load.downloads import fault_in
from load.tenants import NoTenant, base_urls_of, tenants_of

EXPORT_DEADLINE_S = 30.0
"""How long a user waits for an export before it counts as failed."""

REQUEST_DEADLINE_S = 20.0
"""How long a request may take from its first byte to the last one of its answer."""

POLL_INTERVAL_S = 0.1

_numbers = itertools.count()


class _Journal:
    """The history that all users of this process write to, if one is wanted."""

    writer: HistoryWriter | None = None


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(environment: Environment, **_: object) -> None:
    try:
        tokens = [tenant.token for tenant in tenants_of(os.environ)]
        if path := os.environ.get("SHAKEDOWN_HISTORY"):
            _Journal.writer = HistoryWriter(Path(path), Redactor(tokens))
    except (NoTenant, OSError) as problem:
        raise SystemExit(f"load/locustfile.py: {problem}") from None


@events.user_error.add_listener  # type: ignore[untyped-decorator]
def _note_crash(user_instance: "ExportUser", exception: Exception, **_: object) -> None:
    """Let nobody take a user whose own code broke for one who was content."""
    user_instance._note("info", CRASH, error=repr(exception))  # noqa: SLF001 - the same module


class ExportUser(FastHttpUser):
    """Goes through the whole life of an export, over and over, in a job of its own each time."""

    wait_time = between(0.02, 0.1)
    network_timeout = REQUEST_DEADLINE_S  # for each read: a byte now and then puts it off
    connection_timeout = 5.0
    max_redirects = 0
    insecure = False  # a certificate that does not match is no backend of ours

    def __init__(self, environment: Environment) -> None:
        number = next(_numbers)
        tenants, urls = tenants_of(os.environ), base_urls_of(os.environ)
        self.tenant = tenants[number % len(tenants)]
        # Every organisation is to meet every instance.
        self.host = environment.host or (urls[number // len(tenants) % len(urls)] if urls else None)
        self.process = f"user-{os.getpid()}-{number}"
        self.cannot_make_jobs = False
        super().__init__(environment)
        setattr(self.client.client, "response_type", BoundedResponse)  # noqa: B010 - of this one

    @task
    def export_a_file(self) -> None:
        """Upload, request an export, wait for it, download it, look at it."""
        sample = png(uuid.uuid4().hex.encode())
        job_id = self._new_job()
        self._send(
            "uploadEvidence",
            "POST",
            f"/api/jobs/{job_id}/evidence/upload",
            name="/api/jobs/[id]/evidence/upload",
            files={"file": ("load.png", sample, "image/png")},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        self._note("ok", "uploadEvidence")
        requested = self._send(
            "requestExport",
            "POST",
            f"/api/jobs/{job_id}/export/proof-pack",
            name="/api/jobs/[id]/export/[type]",
            json={"filters": {}},
        )
        export_id = self._data(requested, "requestExport")["id"]
        self._note("ok", "requestExport", job=export_id)
        self._wait_until_ready(export_id)
        # One that was live already does not show what was uploaded after it was requested.
        self._download(export_id, sample if requested.status_code == 202 else None)

    def _new_job(self) -> str:
        if self.tenant.job_id and self.cannot_make_jobs:
            return self.tenant.job_id
        answer = self._send(
            "createJob",
            "POST",
            "/api/jobs",
            accept=(404, 405) if self.tenant.job_id else (),
            json={"title": self.process},
        )
        if answer.status_code in {404, 405}:
            self.cannot_make_jobs = True
            self._note("fail", "createJob")
            return str(self.tenant.job_id)
        job_id = str(self._data(answer, "createJob")["id"])
        self._note("ok", "createJob")
        return job_id

    def _wait_until_ready(self, export_id: str) -> None:
        self._note("invoke", "becomeReady", job=export_id)
        until = time.monotonic() + EXPORT_DEADLINE_S
        while True:
            answer = self._send(
                "getExport",
                "GET",
                f"/api/exports/{export_id}",
                name="/api/exports/[id]",
                job=export_id,
                is_poll=True,
            )
            state = self._data(answer, "getExport")["state"]
            if state == "ready":
                self._note("ok", "becomeReady", job=export_id)
                return
            if state in ("failed", "canceled") or time.monotonic() > until:
                self._give_up("becomeReady", "info", f"it is {state!s:.100}", job=export_id)
            time.sleep(POLL_INTERVAL_S)  # locust has made it gevent's: the others go on

    def _download(self, export_id: str, sample: bytes | None) -> None:
        answer = self._send(
            "downloadExport",
            "GET",
            f"/api/exports/{export_id}/download",
            name="/api/exports/[id]/download",
            job=export_id,
        )
        digest = hashlib.sha256(answer.content).hexdigest()
        if fault := fault_in(answer.content, answer.headers.get("repr-digest"), sample):
            self._give_up("downloadExport", "fail", fault, job=export_id, sha256=digest)
        self._note("ok", "downloadExport", job=export_id, sha256=digest)

    def _send(
        self,
        operation_id: str,
        method: str,
        path: str,
        *,
        name: str | None = None,
        headers: dict[str, str] | None = None,
        accept: tuple[int, ...] = (),
        job: str | None = None,
        is_poll: bool = False,
        **body: Any,  # noqa: ANN401 - handed to locust
    ) -> Any:  # noqa: ANN401 - locust's own answer
        """Send a request and give its answer; anything but success ends this round of the task.

        What came of it is for the caller to note; polls are left out of the history.
        """
        if not is_poll:
            self._note("invoke", operation_id, job=job)
        sent = {"Authorization": f"Bearer {self.tenant.token}", "Accept-Encoding": "identity"}
        with gevent.Timeout(REQUEST_DEADLINE_S, TimeoutError("no whole answer in time")):
            response = self.client.request(
                method, path, name=name or path, headers=sent | (headers or {}),
                catch_response=True, **body,
            )  # fmt: skip
        with response as answer:
            status = answer.status_code or 0
            trouble = answer.request_meta["exception"]
            if status and trouble is not None and not isinstance(trouble, BadStatusCode):
                problem, status = repr(trouble), 0  # half an answer is none
            elif 200 <= status < 300 or status in accept:
                problem = ""
            else:
                problem = f"{status}: {_text(answer)}" if status else repr(answer.error)
            if problem:
                answer.failure(problem)
            else:
                answer.success()
        if problem:
            # A refusal did not happen; after a server's error or no answer at all, who knows.
            self._give_up(operation_id, "fail" if 400 <= status < 500 else "info", problem, job=job)
        return answer

    def _data(self, answer: Any, operation_id: str) -> dict[str, Any]:  # noqa: ANN401 - locust's
        try:
            data: dict[str, Any] = parse(answer.content)["data"]
            data.keys()
        except (BadDocument, KeyError, TypeError, AttributeError):
            self._give_up(operation_id, "info", f"no data in {_text(answer)!r}")
        return data

    def _give_up(
        self,
        f: str,
        type: OperationType,  # noqa: A002 - the history's own name
        error: str,
        *,
        job: str | None = None,
        sha256: str | None = None,
    ) -> NoReturn:
        self._note(type, f, job=job, sha256=sha256, error=error)
        if f in {"becomeReady", "downloadExport"}:
            # Not known to locust yet: every single request was answered.
            events.request.fire(  # type: ignore[no-untyped-call]
                request_type="CHECK", name=f, response_time=0, response_length=0,
                exception=AssertionError(f"{job}: {error}"), context={},
            )  # fmt: skip
        raise RescheduleTask

    def _note(
        self,
        type: OperationType,  # noqa: A002 - the history's own name
        f: str,
        *,
        job: str | None = None,
        sha256: str | None = None,
        error: str | None = None,
    ) -> None:
        if _Journal.writer is not None:
            _Journal.writer.write(
                type, f, process=self.process, org=self.tenant.name, job=job, sha256=sha256,
                error=error,
            )  # fmt: skip


def _text(answer: Any) -> str:  # noqa: ANN401 - locust's
    return (answer.content or b"")[:300].decode("utf-8", "replace")
