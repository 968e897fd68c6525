"""The dialect of a backend, where it differs from the contract: the tables of `[contract]`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from harness.target.contract.constants import AddedParts, Constants
from harness.target.contract.envelope import Envelope, OperationEnvelope, Pointer
from harness.target.contract.redirects import Redirects
from harness.target.contract.without import NOTHING_WITHOUT, Without
from harness.target.tables.models import Names, Table, UrlPath
from harness.vocabulary.exports import LEDGER_FILE, MANIFEST_FILE
from harness.vocabulary.resources import Resource

Place = Annotated[str, Field(min_length=1)]
"""Where a value of a request goes: `/a/b` in a JSON body, `?name` in the query, else in a form."""

Refusal = Annotated[str, Field(pattern=r"^[1-5]\d\d( \S+)?$")]
"""A status, or a status and the machine name of an error: `422 KEY_REUSED`."""

LEDGER_FILE_ASKED = "ledger file of exports"
"""What checks ask for that look at the ledger in exports."""

FileName = Annotated[str, Field(min_length=1)]

Status = Annotated[int, Field(ge=200, le=299)]


class Operation(Table):
    """How one operation of the contract is spelled by this backend; None keeps the document's."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    path: UrlPath | None = None
    """With the contract's parameters; one that is not in it goes where `send` says."""
    success: tuple[int, ...] = ()
    """All statuses that mean success here, redirects of a download among them; empty keeps the
    contract's."""
    send: Mapping[str, Place] = Field(default={})
    """By the contract's name of a parameter, a member of the body or a part of the form."""
    refusals: Mapping[Refusal, Refusal] = Field(default={})
    """As `[contract.refusals]`, for this operation, before those."""
    constants: Constants = Constants()
    """As `[contract.constants]`, for this operation, over those."""
    envelope: OperationEnvelope = OperationEnvelope()
    """As `[contract.envelope]`; what it does not name is as there."""


class Archive(Table):
    """What the files of an export that the contract knows by name are called."""

    manifest: FileName = MANIFEST_FILE
    ledger: str = LEDGER_FILE
    """Empty where exports hold no ledger."""


class Problem(Table):
    """The shape of errors, where it is not RFC 9457's: a pointer for each member that there is."""

    content_type: str = "application/json"
    code: Pointer
    title: Pointer | None = None
    detail: Pointer | None = None
    request_id: Pointer | None = None
    retryable: Pointer | None = None
    errors: Pointer | None = None


class Contract(Table):
    """Which OpenAPI document describes the API, and where the backend departs from it."""

    openapi: str = "contracts/openapi.yaml"
    """In the file: relative to it, or within an installed package; once loaded: absolute."""
    operations: Mapping[str, Operation] = Field(default={})
    """By operationId."""
    absent: tuple[str, ...] = ()
    """What the backend does not have: an operationId, or `resource.field`."""
    without: Without = NOTHING_WITHOUT
    """What else it does not have."""
    envelope: Envelope = Envelope()
    fields: Mapping[Resource, Mapping[str, Pointer]] = Field(default={})
    """By the contract's name of a field: where it is within the thing."""
    values: Mapping[Resource, Mapping[str, Mapping[str, Names]]] = Field(default={})
    """By resource and field: the contract's value, and the backend's own, one or several."""
    archive: Archive = Archive()
    constants: Constants = Constants()
    """What is added to every request of every check."""
    headers: Mapping[str, str] = Field(default={})
    """By the contract's name: this backend's; `Name: value` where a value stands for `true`."""
    problem: Problem | None = None
    redirects: Redirects | None = None
    """Where downloads are redirected to; `success` of an operation says which ones are."""
    refusals: Mapping[Refusal, Refusal] = Field(default={})
    """By what the contract says (`422 idempotency_key_reused`): what this backend says."""

    def word(self, resource: Resource, field: str, word: str) -> str:
        """The backend's word for one of the contract's; the first where it has several."""
        meanings = self.values.get(resource, {}).get(field, {})
        return meanings[word][0] if word in meanings else word

    def added(self, operation_id: str = "", *, fill_only: bool = False) -> AddedParts:
        """The constants that a request gets: those of all, and of an operation.

        `fill_only`: where the request has nothing of the name.
        """
        operation = self.operations.get(operation_id)
        own = operation.constants if operation else Constants()
        return AddedParts(common=self.constants, own=own, fill_only=fill_only)

    def envelope_of(self, operation_id: str) -> Envelope:
        """What is around the things in the answers of an operation."""
        operation = self.operations.get(operation_id)
        return operation.envelope.over(self.envelope) if operation else self.envelope

    @property
    def all_constants(self) -> tuple[Constants, ...]:
        """Every table of constants that is not empty."""
        tables = (self.constants, *(one.constants for one in self.operations.values()))
        return tuple(each for each in tables if not each.is_empty)

    @property
    def translates(self) -> bool:
        """Whether more than methods and paths are spelled differently."""
        plain = (
            *(self.envelope, self.fields, self.values, self.archive),
            *(self.headers, self.problem, self.refusals, self.without),
        )
        spelled = any(
            one.success or one.send or one.refusals or one.envelope.named
            for one in self.operations.values()
        )
        return (
            plain != (Envelope(), {}, {}, Archive(), {}, None, {}, NOTHING_WITHOUT)
            or spelled
            or bool(self.absent_fields)
        )

    @property
    def absent_fields(self) -> frozenset[tuple[str, str]]:
        """Resource and field of each field that the backend does not have."""
        return frozenset(
            (one.partition(".")[0], one.partition(".")[2]) for one in self.absent if "." in one
        )

    def is_absent(self, name: str) -> bool:
        """Whether something is declared absent, by its name in the words of `harness.asks`."""
        kind, _, rest = name.partition(" ")
        of_list = rest.removeprefix("of ")
        if kind == "header":
            absent = {each.rpartition(".")[2].lower() for each in self.without.headers}
            return rest.lower() in absent
        if name == LEDGER_FILE_ASKED:
            return not self.archive.ledger
        if name.startswith("export type "):
            return rest.removeprefix("type ") in self.without.export_types
        if kind == "pages" and rest:
            return self.without.has_no_pages(of_list)
        if kind == "order" and rest:
            return self.without.has_no_order(of_list)
        return name in self.absent or name in self.without.parameters

    @property
    def declares_absence(self) -> bool:
        """Whether anything is declared absent."""
        return bool(self.absent) or self.without != NOTHING_WITHOUT

    @property
    def absent_operations(self) -> frozenset[str]:
        """The operationIds that the backend does not have."""
        return frozenset(one for one in self.absent if "." not in one)
