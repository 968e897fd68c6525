"""Follow links of the document: resolve runtime expressions and put them into a generated case."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Link
from harness.client import Answer
from harness.untrusted.documents import parse
from harness.untrusted.json_pointers import steps

Json = Any


@dataclass(frozen=True, kw_only=True)
class Step:
    """A request of a scenario, and its answer."""

    case: Case
    answer: Answer

    def value(self, expression: Json) -> Json:
        """Resolve a runtime expression of OpenAPI (section 4.8.20.4) in this step.

        Other values are returned as they are; objects and lists are resolved item by item.
        Raises LookupError for a value that does not exist.
        """
        if isinstance(expression, Mapping):
            return {name: self.value(each) for name, each in expression.items()}
        if isinstance(expression, list):
            return [self.value(each) for each in expression]
        if not isinstance(expression, str) or not expression.startswith("$"):
            return expression
        source, _, pointer = expression.partition("#")
        match source.split("."):
            case ["$response", "body"]:
                return _at(parse(self.answer.body), pointer)
            case ["$request", "body"]:
                return _at(json.loads(self.case.body or b"null"), pointer)
            case ["$response", "header", *name]:
                return self.answer.headers[".".join(name)]
            case ["$request", "query", name]:
                return dict(parse_qsl(urlsplit(self.case.target).query))[name]
            case ["$statusCode"]:
                return self.answer.status
        raise LookupError(expression)


def _at(document: Json, pointer: str) -> Json:
    """The value at a JSON Pointer (RFC 6901)."""
    for name in steps(pointer):
        try:
            document = document[int(name)] if isinstance(document, list) else document[name]
        except (ValueError, TypeError, IndexError) as error:
            raise LookupError(pointer) from error
    return document


def follow_link(link: Link, step: Step, case: Case, operation: ApiOperation, key: str) -> Case:
    """The case of the link's target, about what the step's answer names.

    `key` replaces the idempotency key, if there is one. Raises LookupError if the answer lacks a
    value of the link.
    """
    values = {
        name.rpartition(".")[2]: str(step.value(expression))
        for name, expression in link.parameters.items()
    }
    case = with_parameters(case, operation, values)
    if link.body is not None:
        headers = tuple(each for each in case.headers if each[0].lower() != "content-type")
        body = json.dumps(step.value(link.body)).encode()
        case = replace(case, body=body, headers=(*headers, ("Content-Type", "application/json")))
    return with_key(case, key)


def with_parameters(case: Case, operation: ApiOperation, values: Mapping[str, str]) -> Case:
    """The case with these values for path and query parameters."""
    drawn, query = operation.parse_target(case.target) or ({}, "")
    in_path = {
        name: quote(values[name], safe="") if name in values else value
        for name, value in drawn.items()
    }
    in_query = {name: values[name] for name in operation.parameters_in("query") if name in values}
    if in_query:
        rest = [each for each in parse_qsl(query) if each[0] not in (*in_query, "cursor")]
        query = urlencode([*rest, *in_query.items()])
    return replace(case, target=operation.build_target(in_path, query))


def with_key(case: Case, key: str) -> Case:
    """The case with another idempotency key, if it has one."""
    return replace(
        case,
        headers=tuple(
            (name, key if name.lower() == "idempotency-key" else value)
            for name, value in case.headers
        ),
    )
