"""Names and words, in both directions: headers, states, kinds, events."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.client.answer import Spoken
from harness.client.dialect.filed import Filing
from harness.target.dialect import Contract
from harness.vocabulary.resources import RETURNED_BY, Resource

_PARTS = ("manifest", "manifest_file", "manifest_head")


@dataclass(frozen=True)
class Words:
    """The words of one dialect."""

    contract: Contract

    @cached_property
    def filing(self) -> Filing:
        """The words of what is filed in exports."""
        return Filing(self.contract)

    def header(self, name: str) -> str:
        """What this backend calls a header of a request."""
        return self._headers.get(name.lower(), (name, ""))[0]

    def shown_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that a dialect answers with, under the contract's names."""
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

    def said(self, operation_id: str, field: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The backend's word for one of the contract's in a request; others stay."""
        resource = RETURNED_BY.get(operation_id)
        if resource is None or not isinstance(value, str):
            return value
        return self.contract.word(resource, field, value)

    def meant(self, resource: Resource, field: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        """The contract's word for one of the backend's in an answer; others stay."""
        if not isinstance(value, str):
            return value
        return self._meanings.get((resource, field), {}).get(value, value)

    def spoken(self, resource: Resource | None) -> Spoken:
        """What a reader of such things must know; None: of what is no thing of the contract."""
        return self._spoken[resource]

    @cached_property
    def _spoken(self) -> Mapping[Resource | None, Spoken]:
        return {
            resource: Spoken(
                absent=frozenset(
                    name
                    for owner, name in self.contract.absent_fields
                    if owner in (_PARTS if resource == "manifest" else (resource,))
                ),
                meanings={
                    field: meanings
                    for (owner, field), meanings in self._meanings.items()
                    if owner == resource
                },
                added=frozenset(
                    (name.partition(".")[0], name.partition(".")[2])
                    for name in (self.contract.fields.get(resource, {}) if resource else ())
                    if "." in name
                ),
                filed_name=self.filing.name,
                filed_manifest=self.filing.manifest,
                manifest_as_filed=self.filing.manifest_back,
                filed_event=self.filing.line,
            )
            for resource in (None, *RETURNED_BY.values())
        }

    @cached_property
    def _headers(self) -> Mapping[str, tuple[str, str]]:
        """By the contract's name in small letters: the backend's, and the value that means true."""
        spelled = {}
        for name, said in self.contract.headers.items():
            theirs, _, value = said.partition(":")
            spelled[name.lower()] = (theirs.strip(), value.strip())
        return spelled

    @cached_property
    def _meanings(self) -> Mapping[tuple[str, str], Mapping[str, str]]:
        return {
            (resource, field): {
                theirs: ours for ours, several in meanings.items() for theirs in several
            }
            for resource, fields in self.contract.values.items()
            for field, meanings in fields.items()
        }
