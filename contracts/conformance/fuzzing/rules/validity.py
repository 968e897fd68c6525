"""Whether the document allows a request, decided from the bytes that are sent.

A generator that says "this breaks the schema" is sometimes wrong: in a form every value is text.
So the request is parsed again as a server would. What is neither clearly valid nor clearly invalid
is `UNCLEAR`: a backend may refuse or accept it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.path_organization import closed


class Validity(Enum):
    """What the document says about a request."""

    VALID = auto()
    INVALID = auto()
    UNCLEAR = auto()


VALID, INVALID, UNCLEAR = Validity.VALID, Validity.INVALID, Validity.UNCLEAR

OPAQUE = frozenset({"cursor"})
"""Parameters with a format of the backend's own: a generated value may be refused or accepted."""

SOME_ID = "3f0e1e56-6a0f-4c2b-9a52-0a3a1c3f6a10"
"""The id that is filled into slots."""

MAX_DEPTH = 32
EXACT_NUMBERS = 2**53 - 1
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_KEY = "idempotency-key"
_PRINTABLE = re.compile(r"[ -~]+")
_MAX_KEY = 255


def validity_of(document: Document, operation: ApiOperation, case: Case) -> Validity:
    """Check path, query, headers and body: one invalid part makes the request invalid."""
    case = case.filled(lambda *_: SOME_ID)
    found = (
        _path(document, operation, case),
        _query(document, operation, case),
        _key(operation, case),
        _body(document, operation, case),
    )
    if INVALID in found:
        return INVALID
    return UNCLEAR if UNCLEAR in found else VALID


def _path(document: Document, operation: ApiOperation, case: Case) -> Validity:
    """The path parameters that are not ids; a malformed id is only unknown."""
    found = operation.pattern.fullmatch(closed(case.target.partition("?")[0]))
    if found is None:
        return UNCLEAR
    declared = operation.parameters_in("path")
    allowed = all(
        document.validators.request(declared[name]["schema"]).is_valid(unquote(found[name]))
        for name in declared
        if name not in operation.path_ids
    )
    return VALID if allowed else INVALID


def _query(document: Document, operation: ApiOperation, case: Case) -> Validity:
    known = operation.parameters_in("query")
    pairs = parse_qsl(urlsplit(case.target).query, keep_blank_values=True)
    sent = [(name, value) for name, value in pairs if name in known]
    if len({name for name, _ in sent}) < len(sent):
        return UNCLEAR  # servers use the first or the last one
    found = {_parameter(document, known[name], value) for name, value in sent}
    return INVALID if INVALID in found else UNCLEAR if UNCLEAR in found else VALID


def _parameter(document: Document, parameter: Mapping[str, Any], text: str) -> Validity:
    if parameter["name"] in OPAQUE or not text or not text.isprintable():
        return UNCLEAR
    schema = parameter["schema"]
    value: Any = text
    if document.resolve(schema).get("type") == "integer":
        if not _WHOLE.fullmatch(text):
            return INVALID if not any(character.isdigit() for character in text) else UNCLEAR
        value = int(text)
    return VALID if document.validators.request(schema).is_valid(value) else INVALID


def _key(operation: ApiOperation, case: Case) -> Validity:
    """The idempotency key; other headers do not make a request invalid."""
    declared = {name.lower(): each for name, each in operation.parameters_in("header").items()}
    if _KEY not in declared:
        return VALID
    key = case.header(_KEY)
    if key is None:
        return INVALID if declared[_KEY].get("required") else VALID
    if not key.strip() or len(key) > _MAX_KEY + 2:
        return UNCLEAR if not key.strip() else INVALID
    pattern = re.compile(r"[!#-~](?:[ -~]{0,253}[!-~])?")
    return VALID if pattern.fullmatch(key) and _PRINTABLE.fullmatch(key) else UNCLEAR


def _body(document: Document, operation: ApiOperation, case: Case) -> Validity:
    if operation.body is None:
        return VALID if not case.body else UNCLEAR
    declared = (case.header("content-type") or "").partition(";")[0].strip().lower()
    media = operation.body.get("content") or {}
    if not case.body:
        return INVALID if operation.body.get("required") else VALID
    if not declared:
        return UNCLEAR
    if declared not in media:
        return UNCLEAR if declared.endswith("json") and "application/json" in media else INVALID
    if declared != "application/json":
        return UNCLEAR  # forms have checks of their own
    return _json(document, media[declared].get("schema") or {}, case.body)


def _json(document: Document, schema: Mapping[str, Any], body: bytes) -> Validity:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return INVALID
    try:
        value = json.loads(text, object_pairs_hook=_unique_names, parse_constant=_reject_constant)
    except (_OddError, RecursionError):
        return UNCLEAR
    except json.JSONDecodeError:
        return INVALID if not text.startswith("\ufeff") else UNCLEAR
    except ValueError:
        return UNCLEAR  # JSON, with more digits than this parser takes (sys.int_info)
    if any(depth > MAX_DEPTH or _is_odd(each) for depth, each in _nested_values(value)):
        return UNCLEAR
    try:
        if document.validators.request(schema).is_valid(value):
            return VALID
        return UNCLEAR if document.validators.loose_request(schema).is_valid(value) else INVALID
    except ValueError:
        return UNCLEAR  # a number that the validator cannot hold


class _OddError(Exception):
    """JSON that parsers read in different ways."""


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _OddError
    return value


def _reject_constant(_name: str) -> object:
    raise _OddError


def _nested_values(value: object) -> Iterator[tuple[int, object]]:
    """Every name and value in a JSON document, with its depth."""
    pending = [(0, value)]
    while pending:
        depth, item = pending.pop()
        yield depth, item
        inner: list[object] = []
        if isinstance(item, dict):
            inner = [*item.keys(), *item.values()]
        elif isinstance(item, list):
            inner = item
        pending += [(depth + 1, each) for each in inner]


def _is_odd(value: object) -> bool:
    """Whether correct backends read it differently.

    Text may be trimmed or counted in other units; a number beyond 2^53 has no exact form in
    RFC 8785, in which manifests and events are written, so that a backend may refuse it anywhere.
    """
    if isinstance(value, str):
        is_blank = bool(value) and not value.strip()
        utf16_units = len(value.encode("utf-16-le", "surrogatepass")) // 2
        return not value.isprintable() or is_blank or utf16_units != len(value)
    return isinstance(value, int | float) and abs(value) > EXACT_NUMBERS
