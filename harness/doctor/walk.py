"""The walk over a first run: each step is tried, and stops nothing that can go on."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random

from harness.client import Answer, Organization, Organizations, Record, Samples
from harness.client.token_expiry import expiry_of, shown_time
from harness.doctor import advice
from harness.doctor.advice import Advice
from harness.doctor.step import Step
from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.findings.curl import EvidenceFiles, as_evidence
from harness.findings.exchanges import Exchange, Recent, remembering
from harness.target import Target
from harness.untrusted.sanitizing import shorten
from harness.vocabulary.events import EVENT_NAMES
from harness.vocabulary.exports import READY, STATES, TERMINAL_STATES
from harness.waiting import wait_until

EXPORT_WITHIN_S = 60.0
"""How long a first export may take: a worker that polls every few seconds is in time."""

POLL_S = 0.2
SOON_S = 30 * 60
"""A token that ends sooner may not last a run."""

SLOW_S = 8.0
"""Longer is worth a `[pace]`."""

SHOWN = 1_500
"""Characters of a request and its answer."""

Seen = tuple[str, Advice | None]
"""What was seen, and what to write where that is no failure but a difference."""


@dataclass(kw_only=True)
class Walk:
    """Walks over one backend as its target file describes it."""

    target: Target
    organizations: Organizations
    files: EvidenceFiles
    org: Organization | None = None
    job: Record | None = None
    evidence: Record | None = None
    export: Record | None = None
    is_ready: bool = False
    states: list[str] = field(default_factory=list)
    """The states of the export, in the order in which they were seen."""
    took_s: float = 0.0
    """From its request until it was ready."""
    absent: dict[str, str] = field(default_factory=dict)
    """Headers of the contract that answers did not have, and where."""

    async def steps(self) -> AsyncIterator[Step]:
        """Take every step that can be taken, one after the other."""
        yield await self._step("token", self._token)
        yield self._expiry()
        yield await self._step("create a job", self._create, "createJob", "job")
        yield await self._step("upload", self._upload, "uploadEvidence", "evidence")
        yield await self._step("request an export", self._request, "requestExport", "export")
        yield await self._step("poll it until it is ready", self._poll, "getExport", "export")
        yield await self._step("download", self._download, "downloadExport", "")
        yield await self._step("ledger", self._ledger, "listLedgerEvents", "ledger_event")
        yield self._headers()

    async def _step(
        self,
        name: str,
        look: Callable[[], Awaitable[Seen]],
        operation_id: str = "",
        resource: str = "",
    ) -> Step:
        """Take a step; what fails in it is what the step came to."""
        recent = Recent()
        try:
            if operation_id and not self.organizations.with_token(None).has(operation_id):
                raise Inconclusive(f"the target declares {operation_id} absent")
            with remembering(recent):
                seen, difference = await look()
        except Inconclusive as why:
            return Step(name=name, how="not looked at", seen=why.reason)
        except (CheckFailed, Misconfigured) as failure:
            exchange = next(iter(recent.last(1)), None)
            told = self._told(failure, operation_id, resource, exchange)
            return self._broken(name, str(failure), told, exchange)
        if difference is not None:
            return self._broken(name, seen, difference, next(iter(recent.last(1)), None))
        return Step(name=name, how="holds", seen=seen)

    def _told(
        self, failure: Exception, operation_id: str, resource: str, exchange: Exchange | None
    ) -> Advice:
        if exchange is None or not operation_id:
            return Advice(hint="") if exchange is None else advice.of_token(exchange)
        is_success = exchange.status is not None and 200 <= exchange.status < 300
        if isinstance(failure, CheckFailed) and failure.rule in ("answer.fields", "answer.json"):
            missing = failure.subject.partition(" in ")[0]
            return advice.of_shape(operation_id, resource, missing, exchange)
        if is_success and failure.args and "a field" in str(failure):
            return advice.of_shape(operation_id, resource, "", exchange)
        return advice.of_refusal(operation_id, exchange)

    def _broken(self, name: str, seen: str, told: Advice, exchange: Exchange | None) -> Step:
        request = ""
        if exchange is not None:
            (evidence,) = as_evidence([exchange], self.files)
            request = shorten(evidence.text, SHOWN)
        first = self.files.redact(seen).splitlines()
        return Step(
            name=name,
            how="does not hold",
            seen="; ".join(first[:3]),
            request=request,
            hint=told.hint,
            lines=told.lines,
        )

    async def _token(self) -> Seen:
        self.org = org = await self.organizations.new("doctor")
        client = org.client
        reading = [each for each in ("listJobs", "listLedgerEvents") if client.has(each)]
        if not reading:
            return "made; no operation that only reads can try it", None
        answer = await client.call(reading[0])
        if answer.status == HTTPStatus.NOT_FOUND:
            return f"{reading[0]} is not there", advice.of_refusal(reading[0], _exchange(answer))
        if not 200 <= answer.status < 300:
            if answer.status == HTTPStatus.UNAUTHORIZED:
                self.org = None  # nothing else can be asked with it
            return answer.describe(), advice.of_refusal(reading[0], _exchange(answer))
        without = await self.organizations.with_token(None).call(reading[0])
        if 200 <= without.status < 300:
            return (
                f"{reading[0]} answers {without.status} without a token, too",
                Advice(hint="whoever can reach the backend can read it: this is a bug"),
            )
        if not without.headers.get("www-authenticate"):
            self.absent["WWW-Authenticate"] = "a 401"
        return f"taken by {reading[0]} ({answer.status}); without one {without.status}", None

    def _expiry(self) -> Step:
        name = "expiry of the token"
        client = self.org.client if self.org else None
        moment = expiry_of(client.token) if client and client.token else None
        if moment is None:
            return Step(name=name, how="not looked at", seen="no token that names its end")
        left = moment - time.time()
        if left < SOON_S:
            return Step(
                name=name,
                how="does not hold",
                seen=f"it ends at {shown_time(moment)}, in {left / 60:.0f} min",
                hint="a run may take longer: give one that lasts, or have the harness sign them",
                lines=("[tokens.mint]", "lifetime_s = 3600"),
            )
        return Step(name=name, how="holds", seen=f"it lasts until {shown_time(moment)}")

    def _have_org(self) -> Organization:
        if self.org is None:
            raise Inconclusive("there is no token that the backend takes")
        return self.org

    async def _create(self) -> Seen:
        org = self._have_org()
        if org.given_job:
            self.job = await org.new_job()
            return f"the given job {self.job['id']} is used", None
        answer = await org.client.call("createJob", json={"title": org.client.marked("Doctor")})
        self._expect_success(answer, 201)
        self.job = job = answer.data
        job["id"]
        if not answer.headers.get("location"):
            self.absent["Location"] = "createJob"
        return f"{job['id']}", None

    async def _upload(self) -> Seen:
        org, job = self._have_org(), self.job
        if job is None:
            raise Inconclusive("there is no job to upload to")
        sample = Samples(Random(0)).new()
        answer = await org.client.upload(job["id"], sample)
        self._expect_success(answer, 201, 200)
        self.evidence = evidence = answer.data
        shown = evidence.get("file_sha256")
        if isinstance(shown, str) and shown.lower() != sample.sha256:
            return (
                f"file_sha256 is {shown}, the file's SHA-256 is {sample.sha256}",
                Advice(
                    hint="another digest than that of the bytes that were sent: a bug, or "
                    "file_sha256 is another field"
                ),
            )
        return f"{evidence['id']}, {len(sample.content)} bytes", None

    async def _request(self) -> Seen:
        org, job = self._have_org(), self.job
        if job is None:
            raise Inconclusive("there is no job to export")
        answer = await org.client.request_export(job["id"], org.client.export_types[0])
        self._expect_success(answer, 202, 200)
        self.export = export = answer.data
        if not answer.headers.get("retry-after"):
            self.absent["Retry-After"] = "requestExport"
        self._note(export)
        return f"{export['id']}, {export['state']}", self._unknown_states()

    def _note(self, export: Record) -> None:
        state = str(export["state"])
        if state not in self.states[-1:]:
            self.states.append(state)

    def _unknown_states(self) -> Advice | None:
        known = all(each in STATES for each in self.states)
        return None if known else advice.of_states(self.states)

    async def _poll(self) -> Seen:
        org, export = self._have_org(), self.export
        if export is None:
            raise Inconclusive("there is no export to wait for")
        client, began = org.client, time.monotonic()

        async def has_ended() -> bool:
            self._note(await client.get_export(export["id"]))
            return self.states[-1] in TERMINAL_STATES or self.states[-1] not in STATES

        what = f"export {export['id']} to end; it was {', '.join(self.states)}"
        await wait_until(has_ended, EXPORT_WITHIN_S, what, poll_s=POLL_S)
        self.took_s = time.monotonic() - began
        self.is_ready = self.states[-1] == READY
        walked = " → ".join(self.states)
        if unknown := self._unknown_states():
            return walked, unknown
        if not self.is_ready:
            return walked, Advice(
                hint="an export of one small file should become ready: its "
                "worker's log says why it did not"
            )
        if self.took_s > SLOW_S:
            return (
                f"{walked} in {self.took_s:.1f} s",
                Advice(
                    hint="slower than checks wait for by default: say so, and amounts and waits "
                    "follow",
                    lines=("[pace]", f"export_s = {self.took_s * 2:.0f}", "at_once = …"),
                ),
            )
        return f"{walked} in {self.took_s:.1f} s", None

    async def _download(self) -> Seen:
        org, export = self._have_org(), self.export
        if export is None or not self.is_ready:
            raise Inconclusive("there is no export that is ready")
        answer = await org.client.download(export["id"])
        self._expect_success(answer, 200)
        if not answer.headers.get("repr-digest"):
            self.absent["Repr-Digest"] = "downloadExport"
        if answer.body[:2] != b"PK":
            return f"{len(answer.body)} bytes that are no ZIP", Advice(hint="expected a ZIP")
        return f"a ZIP of {len(answer.body)} bytes", None

    async def _ledger(self) -> Seen:
        org = self._have_org()
        events = await org.client.ledger_events()
        if not events:
            return "it is empty", Advice(hint="an upload should have written an event")
        names = sorted({str(event["event_name"]) for event in events})
        unknown = [each for each in names if each not in EVENT_NAMES]
        if unknown:
            return (
                f"events {', '.join(names)}",
                Advice(
                    hint=f"the contract has {', '.join(sorted(EVENT_NAMES))}",
                    lines=(
                        "[contract.values.ledger_event.event_name]",
                        *(f'… = "{each}"' for each in unknown),
                    ),
                ),
            )
        return f"{len(events)} events: {', '.join(names)}", None

    def _headers(self) -> Step:
        name = "headers of answers"
        if self.job is None:
            return Step(name=name, how="not looked at", seen="no answer that has any")
        without = self.target.contract.without
        absent = {
            each: where for each, where in self.absent.items() if not without.header(each, where)
        }
        if not absent:
            return Step(name=name, how="holds", seen="those of the contract, or declared absent")
        told = advice.of_absent_headers(absent)
        return Step(
            name=name,
            how="does not hold",
            seen=f"without {', '.join(absent)}",
            hint=told.hint,
            lines=told.lines,
        )

    def _expect_success(self, answer: Answer, *statuses: int) -> None:
        if answer.status not in statuses:
            raise CheckFailed(
                expected=f"{' or '.join(map(str, statuses))} from {answer.operation_id}",
                got=answer.describe(),
            )


def _exchange(answer: Answer) -> Exchange:
    return answer.exchange or Exchange(
        method=answer.method, url=answer.path, headers=(), status=answer.status
    )
