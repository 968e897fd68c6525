"""The answer to one request: its JSON as records, and how a message describes it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from harness.asks import ask, leave_out, look_for
from harness.errors import Absent, CheckFailed, Inconclusive
from harness.findings.exchanges import Exchange
from harness.renamed import OldName
from harness.target.contract.without import NOTHING_WITHOUT, Without
from harness.untrusted.documents import BadDocument, Pairs, parse
from harness.vocabulary.resources import RETURNED_BY

SHOWN_BYTES = 400
"""How much of a body a message shows."""


@dataclass(frozen=True, kw_only=True)
class ResourceDialect:
    """How the backend's objects of one kind differ from the contract's."""

    resource: str = ""
    """What kind of objects; empty for none that the contract names."""
    absent_fields: frozenset[str] = frozenset()
    """Fields that the target declares absent: no check can judge by them."""
    absent_problem_members: frozenset[str] = frozenset()
    """What its errors have no place for: the translation makes it up from the answer."""
    has_ledger_file: bool = True
    """Whether exports hold the ledger."""
    without: Without = NOTHING_WITHOUT
    """What else it declares absent."""
    contract_values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By field: the contract's value for each of the backend's."""
    added_members: frozenset[tuple[str, str]] = frozenset()
    """Field and member that the translation adds to what the backend returns."""
    contract_file_name: Callable[[str], str] = str
    """The contract's name for a file of an export."""
    contract_manifest: Callable[[Any], Any] = lambda manifest: manifest
    """Translates a manifest in an export into the contract's names."""
    backend_manifest: Callable[[Any], Any] = lambda manifest: manifest
    """Translates a manifest back into the backend's names."""
    contract_event: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    """Translates an event in a ledger file into the contract's names."""


NO_DIALECT = ResourceDialect()
"""For a backend that differs in nothing."""

_PLAIN_DIALECTS: Mapping[str, ResourceDialect] = {
    operation_id: ResourceDialect(resource=resource)
    for operation_id, resource in RETURNED_BY.items()
}

MOST_NAMES = 100
"""Most field names that a message about a missing one lists."""


class Record(dict[str, Any]):
    """A JSON object of the backend. A field that the contract promises and that is missing
    fails the check, naming the answer it was missing from, instead of crashing it.
    """

    __slots__ = ("dialect", "source")  # a backend can make a great many of them

    source: str
    """Where it was read from, for messages."""
    dialect: ResourceDialect
    """How the backend's objects of this kind differ from the contract's."""

    def __init__(self, *fields: Any, **more: Any) -> None:  # noqa: ANN401 - as for any dict
        super().__init__(*fields, **more)
        self.source = "the answer"
        self.dialect = NO_DIALECT

    def __getitem__(self, field: str) -> Any:  # noqa: ANN401 - JSON
        if self.dialect.resource:
            ask(f"{self.dialect.resource}.{field}")
        return super().__getitem__(field)

    def __missing__(self, field: str) -> Any:  # noqa: ANN401 - it never returns
        if field in self.dialect.absent_fields:
            raise Absent(f"{self.dialect.resource}.{field}")
        raise CheckFailed(
            expected=f"a field {field!r} in {self.source}",
            got=f"only {sorted(self)[:MOST_NAMES]}",
            rule="answer.fields",
            subject=f"{field} in {self.source.removeprefix('the answer to ')}",
        )

    def lacks(self, field: str) -> bool:
        """Whether the field is missing, and the target declares it absent."""
        name = f"{self.dialect.resource}.{field}"
        look_for(name)
        if field in self or field not in self.dialect.absent_fields:
            return False
        leave_out(name)
        return True

    def needs(self, field: str) -> None:
        """Raise `Absent` where the target declares the field absent: this cell is about it."""
        if self.lacks(field):
            raise Absent(f"{self.dialect.resource}.{field}")

    shown = OldName("received")
    meant = OldName("contract_value")
    spoken = OldName("dialect")

    def received(self, field: str) -> Any:  # noqa: ANN401 - JSON
        """The field as the backend returned it, without what the translation added."""
        value = self[field]
        added = {name for owner, name in self.dialect.added_members if owner == field}
        if not added or not isinstance(value, Mapping):
            return value
        return {name: each for name, each in value.items() if name not in added}

    def contract_value(self, field: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The contract's value for one that the backend has elsewhere, in a file or a row."""
        meanings = self.dialect.contract_values.get(field, {})
        return meanings.get(value, value) if isinstance(value, str) else value


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
