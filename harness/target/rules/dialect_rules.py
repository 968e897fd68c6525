"""Contradictions of `[contract]`: names that the contract does not have, places that clash."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.errors import Misconfigured
from harness.target.contract.dialect import Contract, Operation
from harness.target.contract.envelope import Envelope
from harness.target.document.api_document import (
    ApiWords,
    DescribedOperation,
    contract_document,
    words_in,
    words_of,
)
from harness.target.document.described_api import document_of, is_shipped
from harness.target.rules.without_rules import broken_without_rules
from harness.target.target import Target
from harness.target.toml.lines import KeyPath
from harness.target.toml.nearest import unknown
from harness.vocabulary.exports import LEDGER_FILE, MANIFEST_FILE
from harness.vocabulary.paths import ORGANIZATION_PARAMETER
from harness.vocabulary.resources import LISTS, RESOURCES, RETURNED_BY

Broken = Iterator[tuple[KeyPath, str]]

_PARAMETER = re.compile(r"\{([^}/]+)\}")
_OF_HTTP = ("Accept", "Authorization", "Content-Length", "Content-Type")
"""Headers that an OpenAPI document does not name (OpenAPI 3.1, 4.8.12)."""
_STATUSES = frozenset({400, 401, 403, 404, 405, 406, 409, 410, 413, 414, 415, 416, 422, 429, 431})
_OUTAGES = frozenset({500, 501, 502, 503, 504})


def broken_dialect_rules(target: Target) -> Broken:
    """Find every contradiction in `[contract]`: where it stands, and what was expected instead."""
    contract = target.contract
    yield from _archive(contract)
    if is_shipped(contract) and contract == Contract(openapi=contract.openapi):
        return  # nothing is named, so there is nothing to look up
    own_file, shipped = Path(contract.openapi), contract_document()
    try:
        own = words_of(own_file) if is_shipped(contract) else words_in(document_of(contract))
        ours = words_of(shipped) if shipped and shipped.is_file() else own
    except Misconfigured as error:
        yield ("contract", "openapi"), error.what
        return
    yield from _described(contract, ours, own)
    names = _Names(contract, ours, own)
    yield from names.absent()
    for name, operation in contract.operations.items():
        path: KeyPath = ("contract", "operations", name)
        yield from names.operation(path, name, operation)
        yield from names.envelope((*path, "envelope"), name, operation)
    yield from _two_parameters(("contract", "envelope"), contract.envelope)
    yield from names.fields()
    yield from names.values()
    known_headers = ours.headers | own.headers | set(_OF_HTTP)
    for name in contract.headers:
        if name.lower() not in {each.lower() for each in known_headers}:
            yield ("contract", "headers", name), unknown("header", name, known_headers)
    yield from broken_without_rules(
        contract, {**own.operations, **ours.operations}, frozenset(known_headers)
    )
    yield from names.refusals(("contract", "refusals"), contract.refusals)


def _described(contract: Contract, ours: ApiWords, own: ApiWords) -> Broken:
    """Every operation of the contract must be described, declared, or declared absent."""
    file, place = Path(contract.openapi).name, ("contract", "openapi")
    named = {*own.operations, *contract.operations, *contract.absent_operations}
    missing = [name for name in ours.operations if name not in named]
    if not missing:
        return
    say = (
        "say where each is ([contract.operations], method and path) or that there is none (absent)"
    )
    if not set(ours.operations) & {*own.operations, *contract.operations}:
        what = "no operation by the contract's name, nor at its method and path"
        yield place, f"{file} has {what}; expected an OpenAPI document of this API; {say}"
    else:
        yield place, f"{file} describes no {', '.join(missing)}; {say}"


def _two_parameters(path: KeyPath, envelope: Envelope) -> Broken:
    if envelope.cursor == envelope.limit:
        what = f"{envelope.cursor!r} is the name of limit, too; expected two parameters"
        yield (*path, "cursor"), what


def _archive(contract: Contract) -> Broken:
    if contract.archive.manifest == contract.archive.ledger:
        yield ("contract", "archive"), "expected two names, one for each of manifest and ledger"
    for key, other in (("manifest", LEDGER_FILE), ("ledger", MANIFEST_FILE)):
        if getattr(contract.archive, key) == other:
            yield ("contract", "archive", key), f"{other!r} is the contract's name of another file"


class _Names:
    """The names of one `[contract]`, held against the contract's and those of its document."""

    def __init__(self, contract: Contract, ours: ApiWords, own: ApiWords) -> None:
        self._contract = contract
        self._ours, self._own = ours, own

    def absent(self) -> Broken:
        """What is declared absent must be the contract's, and not be described as well."""
        contract = self._contract
        for number, name in enumerate(contract.absent):
            path: KeyPath = ("contract", "absent", number)
            resource, dot, field = name.partition(".")
            if not dot:
                known = {*self._ours.operations, *self._own.operations, *contract.operations}
                if name not in known:
                    yield path, unknown("operation", name, known)
                elif name in contract.operations:
                    what = f"{name} is declared absent as well; it is one or the other"
                    yield ("contract", "operations", name), what
            elif resource not in RESOURCES:
                what = unknown("kind of object", resource, RESOURCES)
                yield path, f"{what}; write resource.field, got {name!r}"
            else:
                yield from self._field(path, resource, field)

    def operation(self, path: KeyPath, name: str, operation: Operation) -> Broken:
        """An operation must be known, and what it names a part of it."""
        described = [
            words.operations[name] for words in (self._ours, self._own) if name in words.operations
        ]
        if not described:
            known = {*self._ours.operations, *self._own.operations}
            yield path, unknown("operation", name, known)
            return
        if name not in self._own.operations and not (operation.method and operation.path):
            file = Path(self._contract.openapi).name
            yield path, f"{file} does not describe it, so both method and path are needed"
        yield from self._parameters(path, name, operation, described)
        known = {each for one in described for each in one.sent}
        for member in operation.send:
            if member not in known:
                yield (*path, "send", member), unknown(f"name in {name}", member, known)
        yield from self.refusals((*path, "refusals"), operation.refusals)

    def envelope(self, path: KeyPath, name: str, operation: Operation) -> Broken:
        """An envelope must be around what the operation returns: one thing, or a list."""
        named, listed = operation.envelope.named, "items, next_cursor, cursor and limit"
        wrong: tuple[str, ...] = ()
        why = ""
        if name in LISTS:
            wrong, why = ("data",), f"{name} is a list; expected {listed}"
        elif RETURNED_BY.get(name, "manifest") == "manifest":  # the stored bytes themselves
            wrong, why = named, f"{name} returns nothing that is in an envelope"
        else:
            wrong, why = tuple(set(named) - {"data"}), f"{name} is no list; expected data alone"
        for key in sorted(set(wrong) & set(named)):
            yield (*path, key), f"{why}; remove it"
        own = self._contract.envelope_of(name)
        if name in LISTS and named:
            yield from _two_parameters(path, own)
            sent = {place: member for member, place in operation.send.items()}
            for key in ("cursor", "limit"):
                place = f"?{getattr(own, key)}"
                if place in sent and key in named:
                    yield (*path, key), f"send has {sent[place]} in the same place ({place})"

    def _parameters(
        self,
        path: KeyPath,
        name: str,
        operation: Operation,
        described: Iterable[DescribedOperation],
    ) -> Broken:
        known = {each for one in described for each in one.in_path | one.sent}
        if name in self._ours.operations:
            known -= self._own.operations.get(name, DescribedOperation()).in_path
            known |= self._ours.operations[name].in_path
        else:  # the team's own, with parameters of its own
            known |= {each for one in self._own.operations.values() for each in one.in_path}
        for parameter in _PARAMETER.findall(operation.path or ""):
            if parameter not in known and parameter != ORGANIZATION_PARAMETER:
                yield (*path, "path"), unknown("parameter", f"{{{parameter}}}", _braced(known))

    def fields(self) -> Broken:
        """Fields must be the contract's; one must not lose its place to another."""
        for resource, places in self._contract.fields.items():
            known = self._ours.fields.get(resource, {})
            absent = {name for owner, name in self._contract.absent_fields if owner == resource}
            for name, place in places.items():
                path: KeyPath = ("contract", "fields", resource, name)
                yield from self._field(path, resource, name)
                taken = place[1:]
                if taken in known and taken not in places and taken not in absent:
                    what = f"takes {place!r}, which is where the contract has {resource}.{taken}"
                    there = f'{taken} = "{place}" if it is the same value'
                    yield path, f"{what}; say where that is ({there}), or that it is absent"

    def values(self) -> Broken:
        """Words must be the contract's, where it lists them."""
        for resource, fields in self._contract.values.items():
            for name, meanings in fields.items():
                path: KeyPath = ("contract", "values", resource, name)
                yield from self._field(path, resource, name)
                known = self._ours.fields.get(resource, {}).get(name)
                known = known or self._own.fields.get(resource, {}).get(name)
                for word in meanings if known else ():
                    if word not in (known or ()):
                        yield (
                            (*path, word),
                            unknown(f"word of {resource}.{name}", word, known or ()),
                        )

    def refusals(self, path: KeyPath, refusals: Mapping[str, str]) -> Broken:
        """What the contract answers must be an answer of the contract."""
        statuses = self._ours.statuses | self._own.statuses | _STATUSES | _OUTAGES
        codes = self._ours.codes
        for ours in refusals:
            status, _, code = ours.partition(" ")
            if int(status) not in statuses:
                listed = ", ".join(map(str, sorted(self._ours.statuses)))
                yield (*path, ours), f"the contract never answers {status}; it has {listed}"
            elif code and codes and code not in codes:
                yield (*path, ours), unknown("error code", code, codes)
            elif code and codes and int(status) not in codes[code]["statuses"]:
                listed = " or ".join(map(str, codes[code]["statuses"]))
                yield (*path, ours), f"the contract answers {code} with {listed}, not {status}"

    def _field(self, path: KeyPath, resource: str, name: str) -> Broken:
        known = {*self._ours.fields.get(resource, {}), *self._own.fields.get(resource, {})}
        if known and name.partition(".")[0] not in known:
            yield path, unknown(f"field of {resource}", name, known)


def _braced(names: Iterable[str]) -> set[str]:
    return {f"{{{name}}}" for name in names}
