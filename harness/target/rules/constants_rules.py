"""Contradictions of constants: what the harness sends itself, and what no request can hold."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import Misconfigured
from harness.target.contract.constants import Constants, way_of
from harness.target.contract.dialect import Contract, Operation
from harness.target.document.api_document import (
    ApiWords,
    DescribedOperation,
    contract_document,
    words_of,
)
from harness.target.target import Target
from harness.target.toml.lines import KeyPath

Broken = Iterator[tuple[KeyPath, str]]

_SENT_BY_THE_HARNESS = frozenset(
    {
        *("authorization", "content-type", "content-length", "transfer-encoding", "host"),
        *("connection", "user-agent", "accept-encoding", "idempotency-key", "x-request-id"),
        *("range", "if-range", "if-match", "if-none-match", "expect", "te", "trailer", "upgrade"),
    }
)
"""Headers that checks send, or that belong to the connection."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[!-~\x80-\xff]([ \t!-~\x80-\xff]*[!-~\x80-\xff])?")
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN = Operation()


def broken_constants_rules(target: Target) -> Broken:
    """Find every contradiction in constants: where it stands, and what was expected instead."""
    contract = target.contract
    if not contract.all_constants:
        return
    try:
        words = words_of(contract_document() or Path(contract.openapi))
    except Misconfigured:
        return  # which is reported with the dialect
    look = _Constants(contract, words)
    yield from look.of_table(("contract", "constants"), contract.constants, tuple(words.operations))
    for name, operation in contract.operations.items():
        path: KeyPath = ("contract", "operations", name, "constants")
        if name in words.operations and operation.constants.body:
            yield from look.of_body_kind((*path, "body"), name, operation)
        yield from look.of_table(path, operation.constants, (name,))


class _Constants:
    """The constants of one `[contract]`, held against what the contract sends."""

    def __init__(self, contract: Contract, words: ApiWords) -> None:
        self._contract, self._words = contract, words
        documented = {n.lower() for one in words.operations.values() for n in one.in_headers}
        ours = documented | _SENT_BY_THE_HARNESS
        spelled = {name.lower(): text for name, text in contract.headers.items()}
        theirs = {spelled[n].partition(":")[0].strip().lower(): n for n in ours if n in spelled}
        self._headers = {name: name for name in ours} | theirs

    def of_table(self, path: KeyPath, table: Constants, operations: tuple[str, ...]) -> Broken:
        """What cannot be sent, and what collides with what these operations send."""
        yield from self._of_headers((*path, "headers"), table.headers)
        for name in table.query:
            for sender in operations:
                if meant := self._places(sender).get(f"?{name}"):
                    yield (*path, "query", name), _taken(sender, meant, f"?{name}")
                    break
        yield from self._of_body((*path, "body"), table, operations)

    def _of_headers(self, path: KeyPath, headers: Mapping[str, str]) -> Broken:
        seen: dict[str, str] = {}
        for name, text in headers.items():
            here, lowered = (*path, name), name.lower()
            if not _HEADER_NAME.fullmatch(name):
                yield here, "no name of a header (RFC 9110, section 5.1)"
            elif not _HEADER_VALUE.fullmatch(text):
                what = "expected a value of a header: one line, no blanks around it, not empty"
                yield here, what
            elif ours := self._headers.get(lowered):
                also = "" if ours == lowered else f", as which the contract's {ours} is sent"
                yield here, f"the harness sends {name} itself{also}; remove it"
            elif lowered in seen:
                yield here, f"is the header {seen[lowered]}, which is here already"
            seen.setdefault(lowered, name)

    def _of_body(self, path: KeyPath, table: Constants, operations: tuple[str, ...]) -> Broken:
        seen: list[str] = []
        for place, value in table.body.items():
            here = (*path, place)
            if place.startswith("/") and not _POINTER.fullmatch(place):
                yield here, 'expected a name, or a JSON Pointer such as "/a/b"'
                continue
            if problem := _no_json(value):
                yield here, problem
            if other := next((one for one in seen if _overlap(way_of(one), way_of(place))), ""):
                yield here, f"lies in the same place as {other!r}"
            seen.append(place)
            for sender in operations:
                taken = self._places(sender)
                found = (each for each in taken if _same_place(each, place))
                if there := next(found, None):
                    yield here, _taken(sender, taken[there], there)
                    break

    def of_body_kind(self, path: KeyPath, name: str, operation: Operation) -> Broken:
        """Whether the operation has a body at all, and whether it is a form."""
        described = self._words.operations[name]
        method = operation.method or described.method
        if method in _WITHOUT_BODY:
            yield path, f"{name} is a {method}, which has no body; expected headers or query"
        elif described.is_form:
            for place in operation.constants.body:
                if place.startswith("/"):
                    what = f"{name} sends a form; expected the name of a part, such as"
                    yield (*path, place), f"{what} {place.rpartition('/')[2]!r}"

    def _places(self, name: str) -> dict[str, str]:
        """Where an operation of the contract sends what: `?name`, `/a/b`, or a part's name."""
        described = self._words.operations[name]
        if name in self._contract.absent_operations:
            return {}
        operation = self._contract.operations.get(name, _PLAIN)
        return {
            place: member
            for member in described.sent
            if (place := self._place(name, described, operation, member))
        }

    def _place(
        self, name: str, described: DescribedOperation, operation: Operation, member: str
    ) -> str:
        if member in operation.send:
            return operation.send[member]
        if member in described.in_body:
            return member if described.is_form else f"/{member}"
        if member in described.in_path and f"{{{member}}}" in (operation.path or f"{{{member}}}"):
            return ""
        envelope = self._contract.envelope_of(name)
        names = {"cursor": envelope.cursor, "limit": envelope.limit}
        return f"?{names.get(member, member)}"


def _taken(operation: str, meant: str, place: str) -> str:
    return f"{operation} sends the contract's {meant} there ({place!r}); remove it"


def _same_place(place: str, constant: str) -> bool:
    if place.startswith("?"):
        return False
    if not place.startswith("/"):  # the part of a form, which has no pointers
        return place == constant
    return _overlap(way_of(place), way_of(constant))


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _no_json(value: object) -> str:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return "expected what JSON can say; write a date or a time as a text in quotes"
    return ""
