"""Translates a request of the contract into the backend's names and values."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from harness.client.dialect.name_map import NameMap
from harness.client.dialect.pointers import NOTHING, put, value_at
from harness.client.multipart import renamed_parts, with_text_parts
from harness.client.routes import Routes
from harness.target.contract.constants import AddedParts, Constants
from harness.target.contract.dialect import Contract, Operation
from harness.untrusted.documents import BadDocument, parse
from harness.untrusted.json_pointers import steps

Body = bytes | AsyncIterator[bytes] | None

_PLAIN = Operation()
_NO_CONSTANTS = AddedParts(common=Constants(), own=Constants())


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request, but for the server it goes to."""

    path: str
    """With its query, if it has one."""
    headers: Mapping[str, str]
    body: Body


@dataclass(frozen=True, kw_only=True)
class RequestTranslation:
    """Translates requests. What it cannot read stays as it is: a request that is broken on
    purpose stays broken."""

    contract: Contract
    names: NameMap
    routes: Routes

    def parts(self, operation_id: str) -> Mapping[str, str]:
        """The parts of a form, by the contract's name, that are called differently."""
        sent = self._operation(operation_id).send
        return {name: place for name, place in sent.items() if place[0] not in "/?"}

    def form(self, operation_id: str, body: bytes) -> bytes:
        """A form, also the beginning of one, with the backend's names and its constant parts."""
        return self._form(operation_id, body, self.contract.added(operation_id))

    def head(
        self, operation_id: str, path: str, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """A path and headers under the backend's names, with its constants."""
        added = self.contract.added(operation_id)
        return added.target(path), added.with_headers(self._headers(headers))

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {self.names.backend_header(name): value for name, value in headers.items()}

    def _form(self, operation_id: str, body: bytes, added: AddedParts) -> bytes:
        renamed = renamed_parts(body, self.parts(operation_id))
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in added.parts.items()
        }
        return with_text_parts(renamed, texts) if texts else renamed

    def translated(
        self,
        operation_id: str,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: Body,
        *,
        has_constants: bool = True,
        by_target: bool = False,
    ) -> Request:
        """Translate a request for an operation; `path` may have a query as well.

        `has_constants`: whether the target's are added; `by_target`: only where there is nothing.
        """
        added = self.contract.added(operation_id, fill_only=by_target)
        added = added if has_constants else _NO_CONSTANTS
        request = self._translated(operation_id, path, query, headers, body, added)
        return Request(
            path=added.target(request.path),
            headers=added.with_headers(request.headers),
            body=request.body,
        )

    def _translated(
        self,
        operation_id: str,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: Body,
        added: AddedParts,
    ) -> Request:
        way, _, asked = path.partition("?")
        worded = self._path(operation_id, way)
        pairs = parse_qsl(asked, keep_blank_values=True) if asked else []
        pairs += [(name, str(value)) for name, value in (query or {}).items()]
        operation = self._operation(operation_id)
        in_body: dict[str, str] = {}
        sent_query = []
        for name, value in pairs:
            place = operation.send.get(name, "")
            translated_value = self.names.backend_value(operation_id, name, value)
            if place.startswith("/"):
                in_body[place] = translated_value
            else:
                sent_query.append((self._query_name(operation_id, place, name), translated_value))
        kind = next((text for name, text in headers.items() if name.lower() == "content-type"), "")
        sent_headers = self._headers(headers)
        is_json = "json" in kind or (not kind and not body and added.makes_body)
        if isinstance(body, bytes) and kind.startswith("multipart/form-data"):
            body = self._form(operation_id, body, added)
        elif isinstance(body, bytes | None) and (in_body or is_json):
            body = self._json(operation_id, operation, body, in_body, added)
            if body is not None and not kind:
                sent_headers["content-type"] = "application/json"
        # What parse_qsl understood is written anew only where something was renamed.
        if sent_query == pairs and not query and worded == way:
            return Request(path=path, headers=sent_headers, body=body)
        written = f"{worded}?{urlencode(sent_query)}" if sent_query else worded
        return Request(path=written, headers=sent_headers, body=body)

    def _path(self, operation_id: str, way: str) -> str:
        """The path with the backend's names for those of the contract in it."""
        route = self.routes.get(operation_id)
        asked, template = (
            way.split("/"),
            route.template.partition("?")[0].split("/") if route else [],
        )
        if len(asked) != len(template):
            return way
        return "/".join(
            self.names.backend_value(operation_id, name[1:-1], word)
            if name.startswith("{")
            else word
            for name, word in zip(template, asked, strict=True)
        )

    def _query_name(self, operation_id: str, place: str, name: str) -> str:
        if place.startswith("?"):
            return place[1:]
        envelope = self.contract.envelope_of(operation_id)
        return {"cursor": envelope.cursor, "limit": envelope.limit}.get(name, name)

    def _json(
        self,
        operation_id: str,
        operation: Operation,
        body: bytes | None,
        more: Mapping[str, str],
        added: AddedParts,
    ) -> bytes | None:
        try:
            document = parse(body) if body else {}
        except BadDocument:
            return body
        if not isinstance(document, dict):
            return body
        sent: dict[str, Any] = {}
        for name, value in document.items():
            place = operation.send.get(name, "")
            translated_value = self.names.backend_value(operation_id, name, value)
            if operation_id == "verifyManifest" and name == "manifest":
                translated_value = self.names.export_files.backend_manifest(value)
            put(sent, steps(place) if place.startswith("/") else (name,), translated_value)
        for place, value in more.items():
            put(sent, steps(place), value)
        if body or more or added.makes_body:
            for way, value in added.body.items():
                if not added.fill_only or value_at(sent, way) is NOTHING:
                    put(sent, way, value)
        if sent == document:
            return body
        return json.dumps(sent, separators=(",", ":")).encode()

    def _operation(self, operation_id: str) -> Operation:
        return self.contract.operations.get(operation_id, _PLAIN)
