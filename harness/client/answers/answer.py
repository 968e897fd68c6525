"""The answer to one request: its JSON as records, and how a message describes it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from harness.asks import ask, leave_out
from harness.client.answers.record import NO_DIALECT, Record, ResourceDialect
from harness.errors import Absent, CheckFailed, Inconclusive
from harness.findings.exchanges import Exchange
from harness.renamed import OldName
from harness.untrusted.documents import BadDocument, Pairs, parse
from harness.vocabulary.resources import RETURNED_BY

SHOWN_BYTES = 400
"""How much of a body a message shows."""


_PLAIN_DIALECTS: Mapping[str, ResourceDialect] = {
    operation_id: ResourceDialect(resource=resource)
    for operation_id, resource in RETURNED_BY.items()
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer, read to its end."""

    operation_id: str
    method: str
    path: str
    instance: int
    """Which API instance answered, counted from 0."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Looked up without regard to case."""
    body: bytes = field(repr=False)  # tracebacks show answers, and this may have 96 MiB
    elapsed_s: float
    """Seconds from the request to the last byte of the answer."""
    dialect: ResourceDialect = NO_DIALECT
    """How the objects in it differ from the contract's."""
    as_sent: "Answer | None" = field(default=None, repr=False)
    """The answer as the backend sent it, where a dialect has translated it."""
    also: "tuple[Answer, ...]" = field(default=(), repr=False)
    """What else the backend's refusal stands for, where it has one word for several."""
    translated: Any = field(default=None, repr=False, compare=False)
    """The document in a translated body; None where the body must be parsed."""

    redirected_by: "Answer | None" = field(default=None, repr=False)
    """The API's own answer, as it sent it, where this one is what its redirect led to."""
    unfollowed: str = ""
    """Why a redirect to the bytes was not followed, and what to write into the target file."""

    exchange: Exchange | None = field(default=None, repr=False, compare=False)
    """Request and answer as they went over the wire, where they are remembered as evidence."""

    spoken = OldName("dialect")

    @property
    def sent(self) -> "Answer":
        """The answer as the backend sent it, to the byte: what a digest is computed over."""
        return self.as_sent or self

    @property
    def is_redirect(self) -> bool:
        """Whether it is a redirect to the bytes, judged as a success, that was not followed."""
        return self.as_sent is not None and self.status < 300 <= self.as_sent.status < 400

    @property
    def may_lack_digest(self) -> bool:
        """Whether it is bytes from an address that shows no digest: then the record's, or the
        manifest's, is the one to compare with."""
        return self.redirected_by is not None and "repr-digest" not in self.headers

    def followed(self) -> Self:
        """Give it back; `Inconclusive` where it is a redirect that could not be followed."""
        if self.unfollowed:
            raise Inconclusive(self.unfollowed)
        return self

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The body as JSON, its objects as `Record`s. `CheckFailed` when it is not JSON."""
        if self.translated is not None:
            return _with_records(self.translated, self._records())
        try:
            return parse(self.body, self._records())
        except BadDocument as error:
            coding = self.headers.get("content-encoding", "")
            hint = f"; it is {coding}, which the request did not ask for" if coding else ""
            raise CheckFailed(
                expected=f"a JSON body from {self.operation_id}",
                got=f"{self.describe()} ({error}{hint})",
                rule="answer.json",
                subject=self.operation_id,
            ) from error

    def _records(self) -> Callable[[Pairs | Mapping[str, Any]], Record]:
        """What makes its objects: a hostile answer can have a million of them."""
        source, dialect = f"the answer to {self.operation_id}", self.dialect
        if dialect is NO_DIALECT:
            dialect = _PLAIN_DIALECTS.get(self.operation_id, dialect)

        def record(members: Pairs | Mapping[str, Any]) -> Record:
            made = Record(members)
            made.source = source
            made.dialect = dialect
            return made

        return record

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is shown as such."""
        return self.body.decode("utf-8", "replace")

    @property
    def document(self) -> Record:
        """The whole body as a JSON object. `CheckFailed` when it is something else."""
        document = self.json
        if not isinstance(document, Record):
            raise CheckFailed(
                expected=f"a JSON object from {self.operation_id}",
                got=self.describe(),
                rule="answer.json",
                subject=self.operation_id,
            )
        return document

    @property
    def data(self) -> Record:
        """The object in the `{"data": …}` envelope. `CheckFailed` when there is none."""
        data = self.document["data"]
        if not isinstance(data, Record):
            raise CheckFailed(
                expected=f'an object under "data" from {self.operation_id}',
                got=self.describe(),
                rule="answer.json",
                subject=self.operation_id,
            )
        return data

    @property
    def items(self) -> list[Record]:
        """The objects of a list answer. `CheckFailed` when it is not a list of objects."""
        return self.page[0]

    @property
    def page(self) -> tuple[list[Record], Any]:
        """The objects of a list answer, and its `next_cursor`, None where there is none."""
        document = self.document
        items = document["data"]
        if not isinstance(items, list) or not all(isinstance(item, Record) for item in items):
            raise CheckFailed(
                expected=f'a list of objects under "data" from {self.operation_id}',
                got=self.describe(),
                rule="answer.json",
                subject=self.operation_id,
            )
        return items, document.get("next_cursor")

    @property
    def code(self) -> str | None:
        """The stable machine name of a problem, None when the body does not carry one."""
        try:
            code = self.document.get("code")
        except CheckFailed:
            return None
        return code if isinstance(code, str) else None

    @property
    def meanings(self) -> "tuple[Answer, ...]":
        """The answer in each meaning that the target declares for it, itself first."""
        return (self, *self.also)

    def meant_as(self, *statuses: int, codes: Collection[str] = ()) -> "Answer":
        """The answer in its meaning with one of these statuses, and of these codes if there are
        any; itself where it has none.
        """
        fitting = [each for each in self.meanings if each.status in statuses]
        exact = (each for each in fitting if not codes or each.code in codes)
        return next(exact, fitting[0] if fitting else self)

    def is_a(self, *statuses: int) -> bool:
        """Whether it has one of these statuses in any of its meanings."""
        return any(each.status in statuses for each in self.meanings)

    @property
    def request_id(self) -> str:
        """The `X-Request-ID` under which the backend's own log knows this request."""
        return self.headers.get("x-request-id", "")

    def lacks_header(self, header: str) -> bool:
        """Whether a header is missing, and the target declares it absent: no check can judge it."""
        name = f"header {header.title()}"
        is_absent = self.dialect.without.header(header, self.operation_id)
        if header.lower() in self.headers or not is_absent:
            ask(name, part=True)
            return False
        leave_out(name)
        return True

    def needs_header(self, header: str) -> None:
        """Raise `Absent` where the target declares the header absent: this cell is about it."""
        if self.lacks_header(header):
            raise Absent(f"header {header.title()}", "[contract.without] headers")

    def lacks_member(self, name: str) -> bool:
        """Whether the backend's errors have no such member, as `[contract.problem]` says."""
        if name not in self.dialect.absent_problem_members:
            ask(f"problem.{name}", part=True)
            return False
        leave_out(f"problem.{name}")
        return True

    def flag(self, header: str) -> bool:
        """Whether a header such as `X-Idempotency-Replayed` is true."""
        return self.headers.get(header, "").strip().lower() == "true"

    def describe(self) -> str:
        """Describe request and answer in one line."""
        if self.as_sent is not None:
            meant = dict.fromkeys(str(each.status) for each in self.meanings)
            is_other = list(meant) != [str(self.as_sent.status)]
            stands_for = f" (for {' or '.join(meant)})" if is_other else ""
            return self.as_sent.describe() + stands_for
        shown = self.body[:SHOWN_BYTES].decode("utf-8", "replace")
        rest = len(self.body) - SHOWN_BYTES
        more = f" … {rest} bytes more" if rest > 0 else ""
        request = f" [request id {self.request_id}]" if self.request_id else ""
        if self.redirected_by is not None:
            return (
                f"{self.status} to {self.method} {self.path}: {shown or '(empty body)'}{more} "
                f"(redirected by {self.redirected_by.describe()})"
            )
        return (
            f"{self.status} to {self.method} {self.path} from API instance "
            f"{self.instance + 1}{request}: {shown or '(empty body)'}{more}"
        )


def _with_records(
    value: Any,  # noqa: ANN401 - JSON
    record: Callable[[Pairs | Mapping[str, Any]], Record],
) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return record({name: _with_records(each, record) for name, each in value.items()})
    return [_with_records(each, record) for each in value] if isinstance(value, list) else value
