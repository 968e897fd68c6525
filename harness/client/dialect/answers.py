"""From an answer in the backend's names to one in the contract's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from multidict import CIMultiDict

from harness.client.answer import Answer
from harness.client.dialect.name_map import NameMap
from harness.client.dialect.pointers import NOTHING, moved, steps, value_at
from harness.client.routes import Route
from harness.target.dialect import Contract, Operation
from harness.untrusted.documents import BadDocument, parse
from harness.vocabulary.resources import LISTS, RETURNED_BY, Resource

_PLAIN = Operation()
_EXISTING = ("x-evidence-deduplicated", "x-export-in-progress")
"""What says that a success made nothing new: 200 in the contract."""


@dataclass(frozen=True, kw_only=True)
class AnswerTranslation:
    """Puts answers into the contract's names.

    What is not where the dialect has it is left as it came, so that a check says what is wrong
    with it; nothing is made up but what the shape of the backend's errors has no place for.
    """

    contract: Contract
    names: NameMap

    def translated(self, route: Route, answer: Answer) -> Answer:
        """Translate an answer to an operation; the answer as it came is kept in `as_sent`."""
        headers = CIMultiDict(answer.headers)
        headers.update(self.names.contract_headers(answer.headers))
        resource = RETURNED_BY.get(route.operation_id)
        dialect = self.names.resource_dialect(resource)
        sent = replace(answer, dialect=dialect)
        meant = replace(sent, headers=headers, as_sent=sent)
        if answer.status >= 400:
            return self._problem(route, meant)
        if 200 <= answer.status < 300:
            body = self._success(route, resource, answer.body)
            return replace(meant, status=self._status(route, meant), body=body)
        return meant

    def _status(self, route: Route, answer: Answer) -> int:
        success = self.contract.operations.get(route.operation_id, _PLAIN).success
        if answer.status not in success or answer.status == 206:
            return answer.status
        if any(answer.flag(header) for header in _EXISTING):
            return 200
        return route.success

    def _success(self, route: Route, resource: Resource | None, body: bytes) -> bytes:
        if resource is None or (resource == "manifest" and not self.names.export_files.translates):
            return body
        try:
            document = parse(body)
        except BadDocument:
            return body
        if resource == "manifest":
            return _encoded(self.names.export_files.contract_manifest(document))
        envelope = self.contract.envelope
        if route.operation_id not in LISTS:
            thing = value_at(document, steps(envelope.data))
            if not isinstance(thing, dict):
                return body
            return _encoded({"data": self._record(resource, thing)})
        things = value_at(document, steps(envelope.items))
        if not isinstance(things, list) or not all(isinstance(one, dict) for one in things):
            return body
        page: dict[str, Any] = {"data": [self._record(resource, one) for one in things]}
        cursor = value_at(document, steps(envelope.next_cursor))
        if cursor is not NOTHING:
            page["next_cursor"] = cursor
        return _encoded(page)

    def _record(self, resource: Resource, thing: Mapping[str, Any]) -> dict[str, Any]:
        places = {n: steps(place) for n, place in self.contract.fields.get(resource, {}).items()}
        record = moved(places, thing)
        if resource == "export" and self.names.export_files.translates and "manifest" in record:
            record["manifest"] = self.names.export_files.contract_manifest(record["manifest"])
        if resource == "manifest_verification":
            self.names.export_files.translate_verification(record)
        return {
            name: self.names.contract_value(resource, name, value) for name, value in record.items()
        }

    def _problem(self, route: Route, answer: Answer) -> Answer:
        answer = replace(answer, body=self._shaped(answer))
        code = answer.code
        own = self.contract.operations.get(route.operation_id, _PLAIN).refusals
        for refusals in (own, self.contract.refusals):
            for meant, said in refusals.items():
                if said in (f"{answer.status} {code}", str(answer.status)):
                    return _refused(answer, meant)
        return answer

    def _shaped(self, answer: Answer) -> bytes:
        shape = self.contract.problem
        if shape is None:
            return answer.body
        try:
            document = parse(answer.body)
        except BadDocument:
            return answer.body
        declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not isinstance(document, dict) or declared != shape.content_type:
            return answer.body
        given = {
            name: value_at(document, steps(pointer))
            for name, pointer in shape.model_dump(exclude={"content_type"}).items()
            if pointer is not None
        }
        if given.get("code", NOTHING) is NOTHING:
            return answer.body
        # These have no place in the backend's errors, and the answer itself tells them.
        told = {
            "type": f"urn:problem:{given['code']}",
            "title": str(given["code"]),
            "status": answer.status,
            "detail": "",
            "instance": answer.path,
            "request_id": answer.request_id,
            "retryable": "retry-after" in answer.headers,
        }
        headers = answer.headers
        assert isinstance(headers, CIMultiDict)
        headers["content-type"] = "application/problem+json"
        present = {name: value for name, value in given.items() if value is not NOTHING}
        return _encoded({**told, **present})


def _refused(answer: Answer, meant: str) -> Answer:
    status, _, code = meant.partition(" ")
    body = answer.body
    if code:
        document = parse(body)
        body = _encoded({**document, "code": code, "status": int(status)})
    return replace(answer, status=int(status), body=body)


def _encoded(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
