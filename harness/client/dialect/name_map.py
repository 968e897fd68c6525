"""Header names and field values, mapped in both directions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.asks import UNKNOWN_STATE, meet
from harness.client.answers.record import ResourceDialect
from harness.client.dialect.export_files import ExportFileMap
from harness.target.contract.dialect import Contract
from harness.vocabulary.exports import STATES
from harness.vocabulary.resources import RETURNED_BY, Resource

_PARTS = ("manifest", "manifest_file", "manifest_head")


@dataclass(frozen=True)
class NameMap:
    """The names of one backend and those of the contract."""

    contract: Contract

    @cached_property
    def export_files(self) -> ExportFileMap:
        """The names in the files of exports."""
        return ExportFileMap(self.contract)

    def backend_header(self, name: str) -> str:
        """The backend's name for a header of a request."""
        return self._headers.get(name.lower(), (name, ""))[0]

    def contract_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that the dialect names, under the contract's names."""
        found = {}
        for name, (spelled, meaning) in self._headers.items():
            value = headers.get(spelled)
            if value is None:
                continue
            if not meaning:
                found[name] = value
            elif value.strip().lower() == meaning.lower():
                found[name] = "true"
        return found

    def backend_value(self, operation_id: str, field: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The backend's word for one of the contract's in a request; others stay."""
        resource = RETURNED_BY.get(operation_id)
        if resource is None or not isinstance(value, str):
            return value
        return self.contract.word(resource, field, value)

    def contract_value(self, resource: Resource, field: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The contract's word for one of the backend's in an answer; others stay."""
        if not isinstance(value, str):
            return value
        declared = self._contract_values.get((resource, field), {})
        if value not in declared:
            if (resource, field) == ("export", "state") and value not in STATES:
                meet(UNKNOWN_STATE, value)
            return value
        meet(f"{resource}.{field}", value)
        return declared[value]

    def resource_dialect(self, resource: Resource | None) -> ResourceDialect:
        """How objects of a kind differ from the contract's; None: of no kind."""
        return self._resource_dialects[resource]

    @cached_property
    def _resource_dialects(self) -> Mapping[Resource | None, ResourceDialect]:
        return {
            resource: ResourceDialect(
                resource=resource or "",
                has_ledger_file=bool(self.contract.archive.ledger),
                without=self.contract.without,
                absent_problem_members=frozenset(
                    name for name, place in (self.contract.problem or ()) if place is None
                ),
                absent_fields=frozenset(
                    name
                    for owner, name in self.contract.absent_fields
                    if owner in (_PARTS if resource == "manifest" else (resource,))
                ),
                contract_values={
                    field: meanings
                    for (owner, field), meanings in self._contract_values.items()
                    if owner == resource
                },
                added_members=frozenset(
                    (name.partition(".")[0], name.partition(".")[2])
                    for name in (self.contract.fields.get(resource, {}) if resource else ())
                    if "." in name
                ),
                contract_file_name=self.export_files.name,
                contract_manifest=self.export_files.contract_manifest,
                backend_manifest=self.export_files.backend_manifest,
                contract_event=self.export_files.contract_event,
            )
            for resource in (None, *RETURNED_BY.values())
        }

    @cached_property
    def _headers(self) -> Mapping[str, tuple[str, str]]:
        """By the contract's name in small letters: the backend's, and the value that means true."""
        spelled = {}
        for name, spelling in self.contract.headers.items():
            theirs, _, value = spelling.partition(":")
            spelled[name.lower()] = (theirs.strip(), value.strip())
        return spelled

    @cached_property
    def _contract_values(self) -> Mapping[tuple[str, str], Mapping[str, str]]:
        return {
            (resource, field): {
                theirs: ours for ours, several in meanings.items() for theirs in several
            }
            for resource, fields in self.contract.values.items()
            for field, meanings in fields.items()
        }
