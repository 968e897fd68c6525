"""A few honest wrong requests: whether they are refused by the words that the target file says."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from harness.client import Answer, Client, Record, Sample, Samples
from harness.client.dialect.pointers import value_at
from harness.doctor import advice
from harness.doctor.advice import Advice
from harness.doctor.walked import Seen, Walked, exchange_of
from harness.errors import Inconclusive
from harness.target import Target
from harness.untrusted.documents import BadDocument, parse
from harness.untrusted.json_pointers import steps


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What a wrong request was answered."""

    status: int
    """The contract's."""
    code: str
    is_demanded: bool = False
    """Whether checks ask for this code, and not only for the status."""
    place: str = "/code"
    """Where the backend's errors have their code, a JSON Pointer."""
    answer: Answer

    @property
    def wanted(self) -> str:
        """As a target file writes it on the left."""
        return f"{self.status} {self.code}"

    @property
    def got(self) -> str:
        """As a target file writes it on the right: the backend's own words."""
        sent = self.answer.sent.status
        return f"{sent} {self.own_code}" if self.own_code else str(sent)

    @property
    def own_code(self) -> str:
        """The code as it was sent, whatever the target file says that it stands for."""
        try:
            found = value_at(parse(self.answer.sent.body), steps(self.place))
        except BadDocument:
            return ""
        return found if isinstance(found, str) else ""

    @property
    def is_right(self) -> bool:
        """Whether the answer is the contract's, in a meaning that is declared."""
        meant = self.answer.meant_as(self.status, codes=(self.code,))
        return meant.status == self.status and (meant.code == self.code or not self.is_demanded)


async def ask_wrongly(walked: Walked) -> Seen:
    """Ask without a token and for what is not there, and upload what is refused."""
    if walked.job is None:
        raise Inconclusive("there is no job to send wrong requests about")
    client = walked.have_org().client
    problem = walked.target.contract.problem
    place = problem.code if problem else "/code"
    refused = [replace(each, place=place) async for each in _refused(walked, client, walked.job)]
    wrong = [each for each in refused if not each.is_right]
    for each in wrong:
        walked.shown.append(exchange_of(each.answer))
    if not wrong:
        return ", ".join(each.wanted for each in refused), None
    seen = "; ".join(f"{each.code}: {each.got}" for each in wrong)
    return seen, of_refusals(wrong, walked.target)


async def _refused(walked: Walked, client: Client, job: Record) -> AsyncIterator[Refused]:
    samples = Samples(Random(1))
    if client.has("getJob"):
        no_token = walked.organizations.with_token(None)
        path = {"job_id": job["id"]}
        answer = await no_token.call("getJob", path=path)
        yield Refused(status=401, code="invalid_token", answer=answer)
        answer = await client.call("getJob", path={"job_id": str(uuid.uuid4())})
        yield Refused(status=404, code="not_found", answer=answer)
    if walked.evidence is None:  # then an upload is refused for another reason
        return
    text = Sample("note.txt", "text/plain", b"a note")
    yield Refused(status=415, code="unsupported_type", answer=await client.upload(job["id"], text))
    other = replace(samples.new(), mime_type="application/pdf", file_name="picture.pdf")
    yield Refused(
        status=422,
        code="content_mismatch",
        is_demanded=True,
        answer=await client.upload(job["id"], other),
    )
    if walked.key is None:
        return
    yield Refused(
        status=422,
        code="idempotency_key_reused",
        is_demanded=True,
        answer=await client.upload(job["id"], samples.new(), key=walked.key),
    )


def of_refusals(wrong: Sequence[Refused], target: Target) -> Advice:
    """Say what to write where refusals are worded otherwise than declared."""
    accepted = [each for each in wrong if each.answer.sent.status < 300]
    failed = [each for each in wrong if each.answer.sent.status >= 500]
    worded = [each for each in wrong if each not in accepted and each not in failed]
    hints = []
    if accepted:
        names = ", ".join(each.code for each in accepted)
        hints.append(f"it accepts what the contract refuses ({names}): a bug")
    if failed:
        names = ", ".join(each.code for each in failed)
        hints.append(f"it fails where it should refuse ({names}): its log says why")
    lines: tuple[str, ...] = ()
    if worded:
        hints.append("refused in other words than the contract's or the declared ones: say so")
        lines = ("[contract.refusals]", *(f'"{each.wanted}" = "{each.got}"' for each in worded))
        if target.contract.problem is None and not all(each.own_code for each in worded):
            hints.append("an error names no `code`: say where its word for a program stands")
            lines += ("[contract.problem]", *advice.of_error(worded[0].answer.sent))
    return Advice(hint="; ".join(hints), lines=lines)
