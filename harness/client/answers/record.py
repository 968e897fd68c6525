"""A JSON object of the backend, and how the backend's objects differ from the contract's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.asks import ask, leave_out, look_for
from harness.errors import Absent, CheckFailed
from harness.renamed import OldName
from harness.target.contract.without import NOTHING_WITHOUT, Without


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
