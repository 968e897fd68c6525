"""The walk over a first run: each step is tried, and stops nothing that can go on."""

import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random

from harness.client import Answer, Organization, Organizations, Record, Sample, Samples
from harness.client.dialect.export_files import ExportFileMap
from harness.client.given_tokens import UNKNOWN, declared_as, given_users
from harness.client.token_expiry import expiry_of, shown_time
from harness.doctor import advice
from harness.doctor.advice import Advice
from harness.doctor.noticed import Noticed
from harness.doctor.package import found_in, of_package
from harness.doctor.signed_address import lifetime_of
from harness.doctor.step import Step
from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.findings.curl import EvidenceFiles, as_evidence
from harness.findings.exchanges import Exchange, Recent, remembering
from harness.target import Target
from harness.target.document.api_document import contract_document, words_of
from harness.untrusted.archives import BadArchive, unpacked
from harness.untrusted.documents import BadDocument, parse
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

_KEY = "Idempotency-Key"
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
    sample: Sample | None = None
    """The file that was uploaded as `evidence`."""
    export: Record | None = None
    is_ready: bool = False
    states: list[str] = field(default_factory=list)
    """The states of the export, in the order in which they were seen."""
    took_s: float = 0.0
    """From its request until it was ready."""
    event: Record | None = None
    """The last event of the ledger."""
    lives_s: int | None = None
    """For how long the address works that a download was redirected to, if it says so."""
    noticed: Noticed = field(init=False)

    def __post_init__(self) -> None:
        document = contract_document()
        assert document is not None, "the contract's document comes with the checks"
        self.noticed = Noticed(contract=self.target.contract, words=words_of(document))

    async def steps(self) -> AsyncIterator[Step]:
        """Take every step that can be taken, one after the other."""
        yield await self._step("token", self._token)
        yield self._expiry()
        yield await self._step("create a job", self._create, "createJob", "job")
        yield self._organization()
        yield await self._step("another organization", self._another, "createJob", "job")
        yield await self._step("upload", self._upload, "uploadEvidence", "evidence")
        yield await self._step("download the file", self._content, "getEvidenceContent", "")
        yield await self._step("list files", self._list, "listEvidence", "evidence")
        yield await self._step("request an export", self._request, "requestExport", "export")
        yield await self._step("poll it until it is ready", self._poll, "getExport", "export")
        yield await self._step("download", self._download, "downloadExport", "")
        yield await self._step("manifest", self._manifest, "getManifest", "manifest")
        yield await self._step(
            "verify the manifest", self._verify, "verifyManifest", "manifest_verification"
        )
        yield await self._step("ledger", self._ledger, "listLedgerEvents", "ledger_event")
        yield await self._step(
            "verify an event", self._verify_event, "verifyLedgerEvent", "ledger_verification"
        )
        for step in self.noticed.steps():
            yield step

    async def _step(
        self,
        name: str,
        look: Callable[[], Awaitable[Seen]],
        operation_id: str = "",
        resource: str = "",
    ) -> Step:
        """Take a step; what fails in it is what the step came to."""
        recent = Recent()

        def last() -> Exchange | None:
            return next(iter(recent.last(1)), None)

        try:
            if operation_id and not self.organizations.with_token(None).has(operation_id):
                raise Inconclusive(f"the target declares {operation_id} absent")
            with remembering(recent):
                seen, difference = await look()
        except Inconclusive as why:
            return Step(name=name, how="not looked at", seen=why.reason)
        except (CheckFailed, Misconfigured) as failure:
            told = self._told(failure, operation_id, resource, last())
            return self._broken(name, str(failure), told, last())
        if difference is not None:
            return self._broken(name, seen, difference, last())
        return Step(name=name, how="holds", seen=seen)

    def _told(
        self, failure: Exception, operation_id: str, resource: str, exchange: Exchange | None
    ) -> Advice:
        if exchange is None or not operation_id:
            return Advice(hint="") if exchange is None else advice.of_token(exchange, self.target)
        if isinstance(failure, CheckFailed) and failure.rule in ("answer.fields", "answer.json"):
            missing = failure.subject.partition(" in ")[0]
            return advice.of_shape(operation_id, resource, missing, exchange)
        return advice.of_refusal(operation_id, exchange, self.target, self.lives_s)

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
            return f"{reading[0]} is not there", advice.of_refusal(
                reading[0], _exchange(answer), self.target
            )
        if not 200 <= answer.status < 300:
            if answer.status == HTTPStatus.UNAUTHORIZED:
                self.org = None  # nothing else can be asked with it
            return answer.describe(), advice.of_refusal(reading[0], _exchange(answer), self.target)
        without = await self.organizations.with_token(None).call(reading[0])
        if 200 <= without.status < 300:
            return (
                f"{reading[0]} answers {without.status} without a token, too",
                Advice(hint="whoever can reach the backend can read it: this is a bug"),
            )
        self.noticed.header(without, "WWW-Authenticate", "a 401")
        return f"taken by {reading[0]} ({answer.status}); without one {without.status}", None

    def _expiry(self) -> Step:
        name = "expiry of the token"
        client = self.org.client if self.org else None
        moment = expiry_of(client.token) if client and client.token else None
        if moment is None:
            return Step(name=name, how="not looked at", seen="no token that names its end")
        left = moment - time.time()
        if self.org is not None and self.org.renewed:
            return Step(name=name, how="holds", seen="another one is had before it ends")
        if left < SOON_S:
            return Step(
                name=name,
                how="does not hold",
                seen=f"it ends at {shown_time(moment)}, in {left / 60:.0f} min",
                hint="a whole run may take longer (`--only` a shorter one): give one that lasts, "
                "or have tokens made during the run: [tokens.mint] or [tokens.command]",
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
        self.noticed.thing("job", job)
        self.noticed.header(answer, "Location")
        self.noticed.header(answer, "X-Request-ID")
        return f"{job['id']}", None

    def _organization(self) -> Step:
        """Hold the organization that answers name against that of the token."""
        name = "organization of the token"
        shown = self.job.get("organization_id") if self.job else None
        if self.org is None or shown is None:
            return Step(name=name, how="not looked at", seen="no job that names one")
        if self.org.id == shown:
            return Step(name=name, how="holds", seen=f"{shown}, as in answers")
        return _of_organization(name, self.org, str(shown), self._given_key(0))

    def _given_key(self, number: int) -> str:
        users = given_users(self.target, may_be_unknown=True)
        return users[number].key if users else ""

    async def _another(self) -> Seen:
        """Ask for the job with the token of another organization."""
        org, job = self._have_org(), self.job
        if job is None:
            raise Inconclusive("there is no job to ask for")
        other = await self.organizations.new("doctor, another one")
        answer = await other.client.call("getJob", path={"job_id": job["id"]})
        if 200 <= answer.status < 300:
            return (
                f"its token reads the first one's job: {answer.describe()}",
                Advice(
                    hint="a tenant reads what is another's: a bug, or both tokens are of the same "
                    "organization"
                ),
            )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return answer.describe(), advice.of_token(_exchange(answer), self.target)
        if other.given_job:
            return f"its token does not read the first one's job ({answer.status})", None
        made = await other.client.call("createJob", json={"title": org.client.marked("Doctor")})
        self._expect_success(made, 201)
        shown = made.data.get("organization_id")
        if shown is not None and shown != other.id:
            told = _of_organization("", other, str(shown), self._given_key(1))
            return told.seen, Advice(hint=told.hint, lines=told.lines)
        return f"its token does not read the first one's job ({answer.status})", None

    async def _upload(self) -> Seen:
        org, job = self._have_org(), self.job
        if job is None:
            raise Inconclusive("there is no job to upload to")
        samples = Samples(Random(0))
        self.sample = sample = samples.new()
        key = None if org.client.without.header(_KEY, "uploadEvidence") else str(uuid.uuid4())
        answer = await org.client.upload(job["id"], sample, key=key)
        self._expect_success(answer, 201, 200)
        self.evidence = evidence = answer.data
        self.noticed.thing("evidence", evidence)
        self.noticed.header(answer, "Location")
        shown = evidence.get("file_sha256")
        if isinstance(shown, str) and shown.lower() != sample.sha256:
            return (
                f"file_sha256 is {shown}, the file's SHA-256 is {sample.sha256}",
                Advice(
                    hint="another digest than that of the bytes that were sent: a bug, or "
                    "file_sha256 is another field"
                ),
            )
        return await self._again(org, samples, key)

    async def _again(self, org: Organization, samples: Samples, key: str | None) -> Seen:
        """Send the same once more, under the same key and under another one; then another file."""
        job, evidence = self.job, self.evidence
        assert job is not None
        assert evidence is not None
        assert self.sample is not None
        said = f"{evidence['id']}, {len(self.sample.content)} bytes"
        if key is not None:
            again = await org.client.upload(job["id"], self.sample, key=key)
            self._expect_success(again, 201, 200)
            if again.data["id"] != evidence["id"]:
                return (
                    f"sent again under its key it became {again.data['id']}",
                    Advice(
                        hint="a repeated request makes a second record: a bug, or the key has "
                        "another header",
                        lines=("[contract.headers]", 'Idempotency-Key = "…"'),
                    ),
                )
            self.noticed.header(again, "X-Idempotency-Replayed")
        same = await org.client.upload(job["id"], self.sample)
        if same.status in (200, 201) and same.data.get("id") == evidence["id"]:
            self.noticed.header(same, "X-Evidence-Deduplicated")
        self._expect_success(await org.client.upload(job["id"], samples.new()), 201, 200)
        return said, None

    async def _content(self) -> Seen:
        org, evidence = self._have_org(), self.evidence
        if evidence is None or self.sample is None:
            raise Inconclusive("there is no file to download")
        answer = await org.client.call(
            "getEvidenceContent", path={"evidence_id": evidence["evidence_id"]}
        )
        self._expect_success(answer, 200)
        if not answer.may_lack_digest:
            self.noticed.header(answer, "Repr-Digest")
        if hashlib.sha256(answer.body).hexdigest() != self.sample.sha256:
            return (
                f"{len(answer.body)} bytes that are not those that were uploaded",
                Advice(hint="the bytes are changed, or something else answers here"),
            )
        return f"the {len(answer.body)} bytes that were uploaded", None

    async def _list(self) -> Seen:
        org, job = self._have_org(), self.job
        if job is None or self.evidence is None:
            raise Inconclusive("there are no files to list")
        path = {"job_id": job["id"]}
        items = await org.client.listed("listEvidence", path=path)
        self.noticed.listed("listEvidence", items)
        if not self.target.contract.without.has_no_pages("listEvidence"):
            page = await org.client.call("listEvidence", path=path, query={"limit": 1})
            self._expect_success(page, 200)
            self.noticed.listed("listEvidence", page.items, limit=1)
        return f"{len(items)} files", None

    async def _request(self) -> Seen:
        org, job = self._have_org(), self.job
        if job is None:
            raise Inconclusive("there is no job to export")
        answer = await org.client.request_export(job["id"], org.client.export_types[0])
        self._expect_success(answer, 202, 200)
        self.export = export = answer.data
        self.noticed.header(answer, "Location")
        self.noticed.header(answer, "Retry-After")
        again = await org.client.request_export(job["id"], org.client.export_types[0])
        if again.status == HTTPStatus.OK and again.data.get("id") == export["id"]:
            self.noticed.header(again, "X-Export-In-Progress")
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
            shown = await client.get_export(export["id"])
            self.noticed.thing("export", shown)
            self._note(shown)
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
        if not answer.may_lack_digest:
            self.noticed.header(answer, "Repr-Digest")
        try:
            files = unpacked(answer.body)
        except BadArchive as problem:
            return f"{len(answer.body)} bytes that are no ZIP", Advice(hint=str(problem))
        contract = self.target.contract
        if ledger := found_in(tuple(files), contract)["ledger"]:
            try:
                lines = parse(files[ledger])
            except BadDocument as problem:
                return f"{ledger} is no JSON", Advice(hint=str(problem))
            if isinstance(lines, list) and lines and isinstance(lines[0], dict):
                self.noticed.thing("ledger_line", ExportFileMap(contract).contract_event(lines[0]))
        said = f"a ZIP of {len(answer.body)} bytes with {len(files)} files"
        return said, of_package(tuple(files), contract)

    async def _manifest(self) -> Seen:
        org, export = self._have_org(), self.export
        if export is None or not self.is_ready:
            raise Inconclusive("there is no export that is ready")
        answer = await org.client.call("getManifest", path={"export_id": export["id"]})
        self._expect_success(answer, 200)
        manifest = answer.document
        files, head = manifest.get("files"), manifest.get("ledger_head")
        self.noticed.thing("manifest", manifest)
        if isinstance(files, list) and files and isinstance(files[0], dict):
            self.noticed.thing("manifest_file", files[0])
        if isinstance(head, dict):
            self.noticed.thing("manifest_head", head)
        count = len(files) if isinstance(files, list) else 0
        return f"it lists {count} files", None

    async def _verify(self) -> Seen:
        org, export = self._have_org(), self.export
        if export is None or not self.is_ready:
            raise Inconclusive("there is no export that is ready")
        answer = await org.client.call("verifyManifest", json={"export_id": export["id"]})
        self._expect_success(answer, 200)
        self.noticed.thing("manifest_verification", answer.data)
        return "answered", None

    async def _verify_event(self) -> Seen:
        org, event = self._have_org(), self.event
        if event is None:
            raise Inconclusive("there is no event to verify")
        answer = await org.client.call("verifyLedgerEvent", path={"event_id": event["id"]})
        self._expect_success(answer, 200)
        self.noticed.thing("ledger_verification", answer.data)
        return "answered", None

    async def _ledger(self) -> Seen:
        org = self._have_org()
        events = await org.client.listed("listLedgerEvents")
        if not events:
            return "it is empty", Advice(hint="an upload should have written an event")
        self.event = events[-1]
        self.noticed.thing("ledger_event", self.event)
        self.noticed.listed("listLedgerEvents", events)
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

    def _expect_success(self, answer: Answer, *statuses: int) -> None:
        if answer.status not in statuses:
            # Only here: what is remembered as evidence has the address without its secrets.
            self.lives_s = lifetime_of(answer.headers.get("location", ""), time.time())
            # A redirect is to be told here with its lines, so this is no `expect_status`, for which
            # an undeclared one is inconclusive.
            raise CheckFailed(
                expected=f"{' or '.join(map(str, statuses))} from {answer.operation_id}",
                got=answer.describe(),
            )


def _of_organization(name: str, org: Organization, shown: str, key: str) -> Step:
    """Say that answers name another organization than the token or the target file."""
    if not key:
        return Step(
            name=name,
            how="does not hold",
            seen=f"answers show {shown}, the token was made for {org.id}",
            hint="is organization_id another field, or the organization in the claims another one?",
        )
    line = f'{declared_as(key)} = "{shown}"'
    seen = (
        f"the token names none; answers show {shown}"
        if org.id == UNKNOWN
        else f"answers show {shown}, the token or the target file says {org.id}"
    )
    return Step(
        name=name,
        how="does not hold",
        seen=seen,
        hint="checks must know whose things are whose; where a claim of the token has it, name "
        "the claim by `organization_claim` instead",
        lines=("[tokens.given]", line),
    )


def _exchange(answer: Answer) -> Exchange:
    return answer.exchange or Exchange(
        method=answer.method, url=answer.path, headers=(), status=answer.status
    )
