"""Contradictions of `[contract.without]`: names that the contract does not have."""

from collections.abc import Iterator, Mapping, Set

from harness.target.contract.dialect import Contract
from harness.target.document.api_document import DescribedOperation
from harness.target.toml.lines import KeyPath
from harness.target.toml.nearest import unknown
from harness.vocabulary.exports import EXPORT_TYPES
from harness.vocabulary.resources import LISTS

Broken = Iterator[tuple[KeyPath, str]]

_TABLE: KeyPath = ("contract", "without")
_NEVER = ("authorization", "content-type", "content-length", "accept")
"""Without them no request, or no answer, can be understood."""


def broken_without_rules(
    contract: Contract, operations: Mapping[str, DescribedOperation], headers: Set[str]
) -> Broken:
    """Find each name that cannot be meant; `operations` and `headers` are the contract's."""
    without = contract.without
    for number, each in enumerate(without.headers):
        yield from _header((*_TABLE, "headers", number), each, contract, operations, headers)
    for number, each in enumerate(without.export_types):
        path = (*_TABLE, "export_types", number)
        if each not in EXPORT_TYPES:
            yield path, unknown("type of export", each, EXPORT_TYPES)
    if set(EXPORT_TYPES) <= set(without.export_types):
        what = "every type of export is declared absent; declare requestExport absent instead"
        yield (*_TABLE, "export_types"), what
    for number, each in enumerate(without.parameters):
        yield from _parameter((*_TABLE, "parameters", number), each, contract, operations)
    for key in ("pages", "order"):
        lists = getattr(without, key)
        for number, each in enumerate(() if lists is True else lists):
            if each not in LISTS:
                yield (*_TABLE, key, number), unknown("list", each, LISTS)


def _header(
    path: KeyPath,
    name: str,
    contract: Contract,
    operations: Mapping[str, DescribedOperation],
    headers: Set[str],
) -> Broken:
    operation, dot, plain = name.rpartition(".")
    known = {each.lower(): each for each in headers}
    if dot and operation not in operations:
        yield path, unknown("operation", operation, operations)
    elif plain.lower() in _NEVER:
        yield path, f"{plain} cannot be absent: without it nothing can be asked or read"
    elif plain.lower() not in known:
        yield path, unknown("header", plain, known.values())
    elif plain.lower() in {each.lower() for each in contract.headers}:
        yield path, f"{plain} is in [contract.headers] as well; it is one or the other"


def _parameter(
    path: KeyPath, name: str, contract: Contract, operations: Mapping[str, DescribedOperation]
) -> Broken:
    operation, dot, member = name.partition(".")
    if not dot:
        yield path, f"expected operation.member such as listLedgerEvents.target_id, got {name!r}"
    elif operation not in operations:
        yield path, unknown("operation", operation, operations)
    elif member not in operations[operation].sent - operations[operation].in_path:
        sent = operations[operation].sent - operations[operation].in_path
        yield path, unknown(f"name in {operation}", member, sent)
    elif operation in contract.operations and member in contract.operations[operation].send:
        where = f"[contract.operations.{operation}] send"
        yield path, f"{member} is in {where} as well; it is one or the other"
