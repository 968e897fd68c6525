"""Translates an answer of the backend into the contract's names and values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from multidict import CIMultiDict

from harness.client.answers.answer import Answer
from harness.client.dialect.name_map import NameMap
from harness.client.dialect.pointers import NOTHING, moved, value_at
from harness.client.routes import Route
from harness.target.contract.dialect import Contract, Operation, Problem
from harness.target.document.api_document import contract_document, words_of
from harness.untrusted.documents import BadDocument, parse
from harness.untrusted.json_pointers import steps
from harness.vocabulary.resources import LISTS, RETURNED_BY, Resource

_PLAIN = Operation()
_BY_HTTP = frozenset({400, 405, 406, 413, 414, 415, 431, 501})
"""Refusals that any operation can give (RFC 9110), which the document need not list."""

_EXISTING = ("x-evidence-deduplicated", "x-export-in-progress")
"""Headers of a success that made nothing new: 200 in the contract."""

Json = Any


@dataclass(frozen=True, kw_only=True)
class AnswerTranslation:
    """Translates answers.

    What is not where the dialect says stays as it is, so that a check can report it. Nothing is
    added but what the backend's errors have no place for. A body is parsed once.
    """

    contract: Contract
    names: NameMap

    def translated(self, route: Route, answer: Answer) -> Answer:
        """Translate an answer to an operation; the answer as received is kept in `as_sent`."""
        resource = RETURNED_BY.get(route.operation_id)
        received = replace(answer, dialect=self.names.resource_dialect(resource))
        headers = CIMultiDict(answer.headers)
        headers.update(self.names.contract_headers(answer.headers))
        answer = replace(received, headers=headers, as_sent=received)
        if answer.status >= 400:
            return self._problem(route, answer, headers)
        if 200 <= answer.status < 300:
            document = NOTHING if resource is None else self._success(route, resource, answer)
            return _with(answer, self._status(route, answer), document)
        return answer

    def _status(self, route: Route, answer: Answer) -> int:
        success = self.contract.operations.get(route.operation_id, _PLAIN).success
        if answer.status not in success or answer.status == 206:
            return answer.status
        if any(answer.flag(header) for header in _EXISTING):
            return 200
        return route.success

    def _success(self, route: Route, resource: Resource, answer: Answer) -> Json:
        """The translated document; `NOTHING` where the body stays as it is."""
        files = self.names.export_files
        if resource == "manifest" and not files.translates:
            return NOTHING
        document = _document_in(answer)
        if document is NOTHING or resource == "manifest":
            return files.contract_manifest(document)
        envelope = self.contract.envelope_of(route.operation_id)
        if route.operation_id not in LISTS:
            thing = value_at(document, steps(envelope.data))
            return {"data": self._record(resource, thing)} if isinstance(thing, dict) else NOTHING
        things = value_at(document, steps(envelope.items))
        if not isinstance(things, list) or not all(isinstance(one, dict) for one in things):
            return NOTHING
        page: dict[str, Json] = {"data": [self._record(resource, one) for one in things]}
        cursor = value_at(document, steps(envelope.next_cursor))
        return page if cursor is NOTHING else page | {"next_cursor": cursor}

    def _record(self, resource: Resource, thing: Mapping[str, Json]) -> dict[str, Json]:
        files, contract_value = self.names.export_files, self.names.contract_value
        places = {n: steps(place) for n, place in self.contract.fields.get(resource, {}).items()}
        record = moved(places, thing)
        if resource == "export" and files.translates and "manifest" in record:
            record["manifest"] = files.contract_manifest(record["manifest"])
        if resource == "manifest_verification":
            files.translate_verification(record)
        return {name: contract_value(resource, name, value) for name, value in record.items()}

    def _problem(self, route: Route, answer: Answer, headers: CIMultiDict[str]) -> Answer:
        document = _document_in(answer)
        if self.contract.problem is not None:
            shaped = _shaped(self.contract.problem, answer, document)
            if shaped is not NOTHING:
                headers["content-type"] = "application/problem+json"
                answer, document = _with(answer, answer.status, shaped), shaped
        code = document.get("code") if isinstance(document, dict) else None
        meant = self._meant(route.operation_id, answer.status, code)
        first, *others = [_refused_as(answer, document, ours) for ours in meant] or [answer]
        return replace(first, also=tuple(others))

    def _meant(self, operation_id: str, status: int, code: object) -> list[str]:
        """What a refusal stands for: all that is declared, as far as the operation can give it.

        What is declared for the operation itself goes before what is declared for all.
        """
        said = (f"{status} {code}", str(status))
        own = self.contract.operations.get(operation_id, _PLAIN).refusals
        of_own = [ours for ours, theirs in own.items() if theirs in said]
        common = [ours for ours, theirs in self.contract.refusals.items() if theirs in said]
        given = self._refusals_given.get(operation_id)
        possible = [one for one in common if given is None or int(one.partition(" ")[0]) in given]
        return list(dict.fromkeys([*of_own, *(possible if possible or of_own else common)]))

    @cached_property
    def _refusals_given(self) -> Mapping[str, frozenset[int]]:
        """By operation of the contract: the statuses by which it can refuse."""
        document = contract_document()
        known = words_of(document).operations if document and document.is_file() else {}
        return {name: one.refusals | _BY_HTTP for name, one in known.items()}


def _refused_as(answer: Answer, document: Json, ours: str) -> Answer:
    """A refusal as the contract words it: a status, or one with its code."""
    status, _, code = ours.partition(" ")
    if not isinstance(document, dict):
        return replace(answer, status=int(status))
    changed = document | ({"code": code} if code else {})
    # What a problem says of its status is held against the answer's own.
    if code or document.get("status") == answer.status:
        changed["status"] = int(status)
    return _with(answer, int(status), changed)


def _shaped(shape: Problem, answer: Answer, document: Json) -> Json:
    """An error of the backend in the shape of RFC 9457; `NOTHING` for what is no such error."""
    declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not isinstance(document, dict) or declared != shape.content_type:
        return NOTHING
    found = {
        name: value_at(document, steps(pointer))
        for name, pointer in shape.model_dump(exclude={"content_type"}).items()
        if pointer is not None
    }
    if found.get("code", NOTHING) is NOTHING:
        return NOTHING
    # The backend's errors have no place for these; the answer itself has them.
    known = {
        "type": f"urn:problem:{found['code']}",
        "title": str(found["code"]),
        "status": answer.status,
        "detail": "",
        "instance": answer.path,
        "request_id": answer.request_id,
        "retryable": "retry-after" in answer.headers,
    }
    return known | {name: value for name, value in found.items() if value is not NOTHING}


def _document_in(answer: Answer) -> Json:
    try:
        return parse(answer.body)
    except BadDocument:
        return NOTHING


def _with(answer: Answer, status: int, document: Json) -> Answer:
    if document is NOTHING:
        return replace(answer, status=status)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    body = text.encode("utf-8", "surrogatepass")
    return replace(answer, status=status, body=body, translated=document)
