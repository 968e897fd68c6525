"""The walk over a first run: each step is tried, and stops nothing that can go on."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from harness.client import Organizations
from harness.doctor import advice, events, exporting, identity, refusing, uploading
from harness.doctor.advice import Advice
from harness.doctor.step import Step
from harness.doctor.walked import Seen, Walked
from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.findings.curl import EvidenceFiles, as_evidence
from harness.findings.exchanges import Exchange, Recent, remembering
from harness.target import Target
from harness.untrusted.sanitizing import shorten

SHOWN = 1_500
"""Characters of a request and its answer."""


@dataclass(kw_only=True)
class Walk:
    """Walks over one backend as its target file describes it."""

    target: Target
    organizations: Organizations
    files: EvidenceFiles
    walked: Walked = field(init=False)

    def __post_init__(self) -> None:
        self.walked = Walked(target=self.target, organizations=self.organizations)

    async def steps(self) -> AsyncIterator[Step]:
        """Take every step that can be taken, one after the other."""
        take = self._step
        yield await take("token", identity.try_token)
        yield identity.look_at_expiry(self.walked)
        yield await take("create a job", uploading.create_job, "createJob", "job")
        yield identity.compare_organization(self.walked)
        yield await take("another organization", identity.ask_from_another, "createJob", "job")
        yield await take("upload", uploading.upload, "uploadEvidence", "evidence")
        yield await take("download the file", uploading.download_file, "getEvidenceContent")
        yield await take("list files", uploading.list_files, "listEvidence", "evidence")
        yield await take("refusals", refusing.ask_wrongly)
        yield await take("request an export", exporting.request_export, "requestExport", "export")
        yield await take("poll it until it is ready", exporting.poll_export, "getExport", "export")
        yield await take("download", exporting.download_export, "downloadExport")
        yield await take("manifest", exporting.read_manifest, "getManifest", "manifest")
        yield await take(
            "verify the manifest",
            exporting.verify_manifest,
            "verifyManifest",
            "manifest_verification",
        )
        yield await take("ledger", events.read_ledger, "listLedgerEvents", "ledger_event")
        yield await take(
            "verify an event", events.verify_event, "verifyLedgerEvent", "ledger_verification"
        )
        for step in self.walked.noticed.steps():
            yield step

    async def _step(
        self,
        name: str,
        look: Callable[[Walked], Awaitable[Seen]],
        operation_id: str = "",
        resource: str = "",
    ) -> Step:
        """Take a step; what fails in it is its result."""
        recent = Recent()

        def last() -> Exchange | None:
            return next(iter(recent.last(1)), None)

        self.walked.shown.clear()
        try:
            if operation_id and not self.organizations.with_token(None).has(operation_id):
                raise Inconclusive(f"the target declares {operation_id} absent")
            with remembering(recent):
                seen, difference = await look(self.walked)
        except Inconclusive as why:
            return Step(name=name, how="not looked at", seen=why.reason)
        except (CheckFailed, Misconfigured) as failure:
            advice = self._advice_for(failure, operation_id, resource, last())
            return self._broken(name, str(failure), advice, [last()])
        if difference is not None:
            return self._broken(name, seen, difference, self.walked.shown or [last()])
        return Step(name=name, how="holds", seen=seen)

    def _advice_for(
        self, failure: Exception, operation_id: str, resource: str, exchange: Exchange | None
    ) -> Advice:
        if exchange is None or not operation_id:
            return Advice(hint="") if exchange is None else advice.of_token(exchange, self.target)
        if isinstance(failure, CheckFailed) and failure.rule in ("answer.fields", "answer.json"):
            missing = failure.subject.partition(" in ")[0]
            return advice.of_shape(operation_id, resource, missing, exchange)
        return advice.of_refusal(operation_id, exchange, self.target, self.walked.lives_s)

    def _broken(
        self, name: str, seen: str, advice: Advice, exchanges: Sequence[Exchange | None]
    ) -> Step:
        evidence = as_evidence([each for each in exchanges if each is not None], self.files)
        request = "\n".join(shorten(each.text, SHOWN) for each in evidence)
        first = self.files.redact(seen).splitlines()
        return Step(
            name=name,
            how="does not hold",
            seen="; ".join(first[:3]),
            request=request,
            hint=advice.hint,
            lines=advice.lines,
        )
