"""The format of every error answer: RFC 9457 with the members of the contract."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.conformance.breach import Breach, described
from harness.client import Answer
from harness.errors import CheckFailed
from harness.expect import expect_status
from harness.untrusted.documents import BadDocument, parse

MEDIA_TYPE = "application/problem+json"

MEMBERS: Mapping[str, type] = {
    "type": str,
    "title": str,
    "status": int,
    "detail": str,
    "instance": str,
    "code": str,
    "request_id": str,
    "retryable": bool,
}
"""The members of the contract, with their JSON types."""

NEVER_EMPTY = ("type", "title", "code", "request_id")

_URI_REFERENCE = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
"""A stable machine-readable name without spaces."""

INTERNALS: Mapping[str, re.Pattern[str]] = {
    "a Python traceback": re.compile(r"Traceback \(most recent call|File \"[^\"]+\", line \d+"),
    "a stack trace": re.compile(r"^\s*at \S+ ?\(?\S*:\d+|\bgoroutine \d+ \[|\.java:\d+\)", re.M),
    "a source file": re.compile(r"[\w/.-]+\.(?:py|go|rs|ts|js|java|rb|php|cs):\d+"),
    "SQL": re.compile(
        r"\b(?:SELECT\b.{1,300}?\bFROM|INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+\S+\s+SET)\b", re.S
    ),
    "the database's own message": re.compile(
        r"violates .{0,60}constraint|relation \"\S+\" does not exist|"
        r"invalid byte sequence for encoding|invalid input syntax for|SQLSTATE|psycopg|\bLINE \d+:"
    ),
    "an exception's class": re.compile(r"\b\w+(?:\.\w+)+(?:Error|Exception)\b"),
    "a path of the server": re.compile(
        r"(?:^|[\s'\"(=])(?:/(?:home|usr|opt|var|srv|app|root|tmp|etc)/\S+|[A-Z]:\\\\?\S+)"
    ),
    "where the database is": re.compile(r"postgres(?:ql)?://|\bport \d{4,5}\b"),
}
"""Internals that an error must not show, each with its pattern."""


FORM, INTERNALS_SHOWN, REQUEST_ID = "problem.form", "problem.no-internals", "header.request-id"


def problem_violations(answer: Answer) -> list[Breach]:
    """Every rule that an error answer breaks; empty for a correct one."""
    violations = []
    declared = answer.headers.get("content-type", "")
    if declared.partition(";")[0].strip().lower() != MEDIA_TYPE:
        what = f"its Content-Type is {declared or 'missing'}, not {MEDIA_TYPE}"
        violations.append(_form("Content-Type", what))
    try:
        document = parse(answer.body)
    except BadDocument as error:
        return [*violations, _form("JSON", f"its body is not JSON ({error})")]
    if not isinstance(document, dict):
        return [*violations, _form("JSON", "its body is not a JSON object")]
    return violations + _wrong_members(document, answer) + _wrong_values(document, answer)


def _form(about: str, what: str) -> Breach:
    return Breach(rule=FORM, about=about, what=what)


def _wrong_members(document: Mapping[str, Any], answer: Answer) -> list[Breach]:
    violations = []
    for name, kind in MEMBERS.items():
        if name not in document:
            violations.append(_form(name, f"it has no member {name!r}"))
        elif not _is_a(document[name], kind):
            what = f"{name!r} is {document[name]!r:.80}, not {_JSON_NAMES[kind]}"
            violations.append(_form(name, what))
        elif name == "request_id" and answer.lacks_header("x-request-id"):
            continue
        elif name in NEVER_EMPTY and not document[name].strip():
            violations.append(_form(name, f"{name!r} is empty"))
    return violations


_JSON_NAMES = {str: "a string", int: "a number", bool: "a boolean"}


def _is_a(value: object, kind: type) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _wrong_values(document: Mapping[str, Any], answer: Answer) -> list[Breach]:
    violations = []
    if _is_a(document.get("status"), int) and document["status"] != answer.status:
        what = f"its 'status' is {document['status']}, the status of the answer {answer.status}"
        violations.append(_form("status", what))
    is_traced = not answer.lacks_header("x-request-id")
    if is_traced and document.get("request_id") not in (answer.request_id, None):
        what = f"its 'request_id' is {document['request_id']!r}, X-Request-ID {answer.request_id!r}"
        violations.append(Breach(rule=REQUEST_ID, about="request_id of a problem", what=what))
    kind, code = document.get("type"), document.get("code")
    if isinstance(kind, str) and not _URI_REFERENCE.fullmatch(kind):
        violations.append(_form("type", f"its 'type' {kind!r:.80} is not a URI reference"))
    if isinstance(code, str) and code and not _CODE.fullmatch(code):
        violations.append(_form("code", f"its 'code' {code!r:.80} is not a machine-readable name"))
    return violations + _wrong_errors(document.get("errors", [])) + internals_in(document)


def _wrong_errors(errors: object) -> list[Breach]:
    if not isinstance(errors, list) or not all(isinstance(each, dict) for each in errors):
        return [_form("errors", f"its 'errors' is {errors!r:.80}, not a list of objects")]
    return []


def internals_in(document: Mapping[str, Any]) -> list[Breach]:
    """Internals of the server that `title`, `detail` or `errors` show."""
    shown = [document.get("title"), document.get("detail")]
    errors = document.get("errors")
    if isinstance(errors, list):
        shown += [each.get("message") for each in errors if isinstance(each, dict)]
    return [
        Breach(rule=INTERNALS_SHOWN, about=what, what=f"it shows {what}: {found.group()!r:.120}")
        for text in shown
        if isinstance(text, str)
        for what, sign in INTERNALS.items()
        if (found := sign.search(text))
    ]


def expect_problem(
    answer: Answer,
    *statuses: int,
    codes: Sequence[str] = (),
    detail: str = "",
    subject: str = "",
) -> Answer:
    """Fail unless the answer is a correct problem with one of these statuses; return it.

    `codes` are the codes that the contract requires here; empty where it leaves them open.
    `subject` is what breaks a rule, where it is not the answer's operation.
    """
    answer = answer.meant_as(*statuses, codes=codes)
    expect_status(answer, *statuses, detail=detail, subject=subject)
    violations = problem_violations(answer)
    if codes and answer.code not in codes:
        what = f"its 'code' is {answer.code!r}, not {' or '.join(codes)}"
        violations.append(Breach(rule="problem.code", about="code", what=what))
    if not answer.request_id and not answer.lacks_header("x-request-id"):
        violations.append(Breach(rule=REQUEST_ID, about="missing", what="it has no X-Request-ID"))
    if violations:
        raise CheckFailed(
            expected=f"a correct RFC 9457 problem from {answer.operation_id}",
            got=answer.describe(),
            detail="; ".join(filter(None, [detail, described(violations)])),
            rule=violations[0].rule,
            subject=subject or answer.operation_id,
            aspect=violations[0].about,
        )
    return answer
