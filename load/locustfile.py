"""Users who upload a file, export it, and compare the download with its digest.

    shakedown up --env-file env.sh    # or any backend that follows the contract
    . ./env.sh && locust -f load/locustfile.py --host "$BACKEND_URL"    # in a second shell

The environment has their tokens: JWT_ORG_A, JWT_ORG_B, … (each user belongs to one of these
organizations), or JWT_TOKEN. Without `--host` they spread over BACKEND_URLS, or use BACKEND_URL.
`load/users/environment.py` has the variables for the dialect, the history and what is created.
"""

import hashlib
import itertools
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from urllib.parse import urljoin

import gevent
from locust import FastHttpUser, between, events, task
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.env import Environment
from locust.exception import RescheduleTask

from harness.client.answers.answer import Answer
from harness.client.dialect.requests import Request
from harness.client.http.patience import gateway_wait_s
from harness.client.http.redirects import masked
from harness.client.routes import Route
from harness.client.run_mark import RunMark
from harness.client.samples import Sample
from harness.client.samples.images import png
from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.findings.log_window import LogWindow
from harness.history import CRASH, EntryType, HistoryWriter
from harness.machine.processes import RUN_MARKER
from harness.redaction.redactor import Redactor
from harness.vocabulary.paths import ORGANIZATION_PARAMETER
from load.users import gateway
from load.users.bounded_responses import BoundedResponse, skip_interim_answers
from load.users.downloads import download_problem
from load.users.environment import (
    CREATED,
    EXPORT_WAIT,
    FAILURES,
    HISTORY,
    HISTORY_DRILL,
    HISTORY_RUN,
    NoTenant,
    base_urls_of,
    logs_of,
    tenants_of,
)
from load.users.expired_token import RAN_OUT, expired_token
from load.users.failures import FailureWriter
from load.users.redirects import (
    LED_NOWHERE,
    NOT_FOLLOWED,
    WrongRedirect,
    address_of,
    bytes_at,
)
from load.users.request_dialect import RequestDialect, UnknownDialect

EXPORT_DEADLINE_S = 30.0
"""How long a user waits for an export before it counts as failed."""

REQUEST_DEADLINE_S = 20.0
"""How long a request may take from its first byte to the last one of its answer."""

POLL_INTERVAL_S = 0.1

_numbers = itertools.count()


class _Process:
    """What all users of this process have in common."""

    dialect: RequestDialect
    writer: HistoryWriter | None = None
    """The history, if one is wanted."""
    failures: FailureWriter | None = None
    """Of requests, if they are wanted as evidence."""
    mark: RunMark | None = None
    """Of the run, where it is to be known what users make."""


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(environment: Environment, **_: object) -> None:  # noqa: ARG001
    skip_interim_answers()
    try:
        tokens = [tenant.token for tenant in tenants_of(os.environ)]
        _Process.dialect = RequestDialect.of(os.environ)
        if path := os.environ.get(HISTORY):
            _Process.writer = HistoryWriter(
                Path(path),
                Redactor(tokens),
                run=os.environ.get(HISTORY_RUN, ""),
                drill=os.environ.get(HISTORY_DRILL, ""),
            )
        if path := os.environ.get(FAILURES):
            _Process.failures = FailureWriter(path=Path(path))
        if path := os.environ.get(CREATED):
            run_id = os.environ.get(RUN_MARKER) or "by hand"
            _Process.mark = RunMark(run_id, Path(path), redact=Redactor(tokens))
    except (NoTenant, UnknownDialect, Misconfigured, OSError) as problem:
        raise SystemExit(f"load/locustfile.py: {problem}") from None


@events.quit.add_listener  # type: ignore[untyped-decorator]
def _end_history(**_: object) -> None:
    """Say in the history that nothing is missing at its end."""
    if _Process.writer is not None:
        _Process.writer.close()
        _Process.writer = None


@events.user_error.add_listener  # type: ignore[untyped-decorator]
def _note_crash(user_instance: "ExportUser", exception: Exception, **_: object) -> None:
    """Note an error of the user's own code: otherwise it would look like a success."""
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
        # Every organization is to meet every instance.
        self.host = environment.host or (urls[number // len(tenants) % len(urls)] if urls else None)
        logs = logs_of(os.environ)
        self.instance = number // len(tenants) % len(urls) if urls else 0
        self.log = logs[self.instance] if self.instance < len(logs) else None
        self.named = f"api-{self.instance + 1}" if urls and not environment.host else None
        self.process = f"user-{number}"
        self.run_id = os.environ.get(RUN_MARKER, "")
        self.cannot_make_jobs = False
        super().__init__(environment)
        setattr(self.client.client, "response_type", BoundedResponse)  # noqa: B010 - of this one
        setattr(self.client.client, "cookiejar", None)  # noqa: B010 - as checks send none either

    @task
    def export_a_file(self) -> None:
        """Upload, request an export, wait for it, download it, check the download."""
        content = png(uuid.uuid4().hex.encode())
        job_id = self._new_job()
        key = str(uuid.uuid4())
        uploaded = self._send(
            "uploadEvidence",
            {"job_id": job_id},
            file=Sample(file_name="load.png", mime_type="image/png", content=content),
            headers={"Idempotency-Key": key},
        )
        self._note("ok", "uploadEvidence", job=_id_in(uploaded), key=key, answer=uploaded)
        requested = self._send(
            "requestExport",
            {"job_id": job_id, "export_type": "proof-pack"},
            json={"filters": {}},
        )
        export_id = self._field(requested, "id")
        self._note("ok", "requestExport", job=export_id, answer=requested)
        self._wait_until_ready(export_id)
        # One that was live already need not hold what was uploaded after its request.
        self._download(export_id, content if requested.status == 202 else None)

    def _new_job(self) -> str:
        if self.tenant.job_id and self.cannot_make_jobs:
            return self.tenant.job_id
        answer = self._send(
            "createJob",
            {},
            accept=(404, 405) if self.tenant.job_id else (),
            # As the titles of checks: it shows which run created the job.
            json={"title": f"{self.process} [shakedown {self.run_id or 'by hand'}]"},
        )
        if answer.is_a(404, 405):
            self.cannot_make_jobs = True
            self._note("fail", "createJob")
            return str(self.tenant.job_id)
        job_id = self._field(answer, "id")
        self._note("ok", "createJob", job=job_id, answer=answer)
        return job_id

    def _wait_until_ready(self, export_id: str) -> None:
        self._note("invoke", "becomeReady", job=export_id)
        until = time.monotonic() + float(os.environ.get(EXPORT_WAIT) or EXPORT_DEADLINE_S)
        while True:
            asked = {"export_id": export_id}
            answer = self._send("getExport", asked, job=export_id, is_poll=True)
            state = self._field(answer, "state")
            if state == "ready":
                self._note("ok", "becomeReady", job=export_id, answer=answer)
                return
            if state in ("failed", "canceled") or time.monotonic() > until:
                self._give_up("becomeReady", "info", f"it is {state:.100}", job=export_id)
            time.sleep(POLL_INTERVAL_S)  # locust has made it gevent's: the others go on

    def _download(self, export_id: str, sample: bytes | None) -> None:
        answer = self._send("downloadExport", {"export_id": export_id}, job=export_id)
        if answer.is_redirect:
            try:
                answer = self._at_the_address(answer)
            except WrongRedirect as wrong:
                self._give_up("downloadExport", "fail", str(wrong), job=export_id)
        digest = hashlib.sha256(answer.body).hexdigest()
        if fault := download_problem(answer, sample):
            self._give_up("downloadExport", "fail", fault, job=export_id, sha256=digest)
        self._note("ok", "downloadExport", job=export_id, sha256=digest, answer=answer)

    def _at_the_address(self, redirected: Answer) -> Answer:
        """Get the bytes to which a redirect leads, without the token."""
        address = address_of(_Process.dialect.redirects, redirected, str(self.host))
        route = replace(_Process.dialect.routes[redirected.operation_id], method="GET")
        named = replace(route, template=f"{route.template}, at its address")
        headers = {"Accept-Encoding": "identity", "User-Agent": self._user_agent}
        request = Request(path=address, headers=headers, body=None)
        last, problem, status = self._exchanged(named, request, ())
        if problem.startswith(gateway.REFUSED):
            raise WrongRedirect(problem)
        if problem and not status:
            raise WrongRedirect(f"{LED_NOWHERE}{problem}")
        last = replace(last.sent, path=masked(address))
        return _Process.dialect.reworded(bytes_at(redirected, last))

    @property
    def _user_agent(self) -> str:
        return f"shakedown run/{self.run_id or 'by hand'}"

    def _send(
        self,
        operation_id: str,
        values: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        file: Sample | None = None,
        accept: tuple[int, ...] = (),
        job: str | None = None,
        is_poll: bool = False,
    ) -> Answer:
        """Send a request and give its answer; anything but success ends this round of the task.

        The caller notes success; polls are left out of the history.
        """
        if not is_poll:
            self._note("invoke", operation_id, job=job)
        route = _Process.dialect.routes[operation_id]
        sent = {
            "Authorization": f"Bearer {self.tenant.token}",
            "Accept-Encoding": "identity",
            "User-Agent": self._user_agent,
        }
        if self.tenant.organization:
            values = {ORGANIZATION_PARAMETER: self.tenant.organization, **values}
        request = _Process.dialect.request(
            route, values, sent | dict(headers or {}), json=json, file=file
        )
        answer, problem, status = self._exchanged(route, request, accept)
        if problem:
            # A refused request had no effect; after a 5xx or without an answer, that is unknown.
            kind: EntryType = "fail" if 400 <= status < 500 else "info"
            self._give_up(operation_id, kind, problem, job=job, answer=answer if status else None)
        return answer

    def _exchanged(
        self, route: Route, request: Request, accept: tuple[int, ...]
    ) -> tuple[Answer, str, int]:
        """Send a request, again where a gateway asks to wait for it; as `_exchange` otherwise."""
        waited_s = 0.0
        while True:
            answer, problem, status, wait = self._exchange(route, request, accept, waited_s)
            if wait is None:
                return answer, problem, status
            time.sleep(wait)  # locust has made it gevent's
            waited_s += wait

    def _exchange(
        self, route: Route, request: Request, accept: tuple[int, ...], waited_s: float
    ) -> tuple[Answer, str, int, float | None]:
        """Send a request once: its answer, what is wrong with it, its status (0 without a whole
        answer), and how long to wait before it is sent again.
        """
        log = LogWindow.begun(self.log) if self.log else None
        with gevent.Timeout(REQUEST_DEADLINE_S, TimeoutError("no whole answer in time")):
            response = self.client.request(
                route.method, request.path, name=route.template, headers=dict(request.headers),
                data=request.body,  # type: ignore[arg-type]  # bytes go out as they are
                catch_response=True, allow_redirects=False,
            )  # fmt: skip
        with response as got:
            answer = _Process.dialect.answer(
                route,
                request.path,
                got.status_code or 0,
                got.headers or {},
                got.content or b"",
                str(self.host),
            )
            if _Process.mark is not None:
                _Process.mark.record_created(answer, "", by=self.tenant.name)
            status = answer.status
            has_gateway = _Process.mark is not None  # a backend that others use, too
            wait = gateway.wait_s(answer, waited_s, has_gateway=has_gateway)
            trouble = got.request_meta["exception"]
            if status and trouble is not None and not isinstance(trouble, LocustBadStatusCode):
                problem, status, wait = repr(trouble), 0, None  # half an answer is none
            elif 200 <= status < 300 or answer.is_a(*accept) or wait is not None:
                problem = ""
            else:
                problem = f"{status}: {answer.text[:300]}" if status else repr(got.error)
                if answer.unfollowed:
                    problem = NOT_FOLLOWED + answer.unfollowed
                if gateway_wait_s(answer, has_gateway=has_gateway) is not None:
                    problem = gateway.REFUSED + problem
                elif expired := expired_token(answer, self.tenant.token):
                    problem = RAN_OUT + expired
            if problem:
                if _Process.failures is not None:
                    url = masked(urljoin(f"{self.host}/", request.path))
                    _Process.failures.keep(
                        route, url, request, answer if status else None, problem,
                        instance=self.instance, log=log and log.ended(),
                    )  # fmt: skip
                got.failure(problem)
            else:
                got.success()
        return answer, problem, status, wait

    def _field(self, answer: Answer, field: str) -> str:
        """Read a field of an answer; give up where it is missing."""
        try:
            return str(answer.data[field])
        except (CheckFailed, Inconclusive) as problem:
            self._give_up(answer.operation_id, "info", str(problem)[:600])

    def _give_up(
        self,
        f: str,
        type: EntryType,  # noqa: A002 - the history's own name
        error: str,
        *,
        job: str | None = None,
        sha256: str | None = None,
        answer: Answer | None = None,
    ) -> NoReturn:
        self._note(type, f, job=job, sha256=sha256, error=error, answer=answer)
        if f in {"becomeReady", "downloadExport"}:
            # Locust does not know it: every single request was answered.
            events.request.fire(  # type: ignore[no-untyped-call]
                request_type="CHECK", name=f, response_time=0, response_length=0,
                exception=AssertionError(f"{job}: {error}"), context={},
            )  # fmt: skip
        raise RescheduleTask

    def _note(
        self,
        type: EntryType,  # noqa: A002 - the history's own name
        f: str,
        *,
        job: str | None = None,
        sha256: str | None = None,
        key: str | None = None,
        error: str | None = None,
        answer: Answer | None = None,
    ) -> None:
        if _Process.writer is not None:
            _Process.writer.write(
                type, f, process=self.process, org=self.tenant.name, job=job, sha256=sha256,
                key=key, error=error, instance=self.named,
                status=answer.status if answer else None,
                request_id=answer.headers.get("x-request-id") if answer else None,
            )  # fmt: skip


def _id_in(answer: Answer) -> str | None:
    """Give the id of what was made; None where the answer does not show it."""
    try:
        return str(answer.data["id"])
    except (CheckFailed, Inconclusive, LookupError):
        return None
