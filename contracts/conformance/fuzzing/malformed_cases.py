"""Malformed requests, written by hand: broken bytes, extreme sizes, wrong types.

Each operation of the document gets those that fit it (body, query parameters, ids), so a new
operation cannot be forgotten. The cases are the same with every seed.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.malformed_payloads import (
    FORM,
    Payload,
    form_payloads,
    json_payloads,
)

NUL_ID = "00000000-0000-0000-0000-00000000000%00"

QUERIES = (
    "unknown=1&unknown=2",
    "select=*&order=id.desc&organization_id=eq.1",
    "%00=%00",
    "x[]=1&x[a][b]=2&__proto__[x]=1",
    "q=%ff%fe%f0%28%8c%28",
    "&&==&=&?&%",
    "long=" + "a" * 3000,
)

LIMITS = (
    *("0", "-1", "101", "1e2", "1.5", "abc", "", "null", "%00", "99999999999999999999"),
    *("9223372036854775808", "2147483648", "0x10", "%D9%A1", "1%00", "+5", "%205"),
)

CURSORS = (
    *("", "%00", "abc", "null", "-1", "7" + "f" * 47, "8" + "0" * 47, "0" * 48, "f" * 5000),
    *("eyJpZCI6MX0=", "'%20OR%201=1--", "%ff", "7" * 48, "../../etc"),
)

IDS = (
    *("%00", NUL_ID, "null", "0", "-1", "%20", "..%2f..%2fetc", "%ff", "'%20OR%20'1'='1", "{}"),
    *("a" * 2000, "00000000000000000000000000000000", "%7Bx%7D", "%F0%9F%92%A5", "%252e"),
    *("00000000-0000-0000-0000-00000000000G", "99999999999999999999"),
)
"""Values in place of an id; none is the id of anything."""

HEADER_VALUES: Mapping[str, tuple[str, ...]] = {
    "idempotency-key": (
        *("", " ", '"', '""', "\\", '"\\"', "a" * 255, "a" * 256, "a" * 5000, "schlüssel", "a\tb"),
        *(",", '"unfinished', ":YWJj:", "?1", "a;b=c", "\x7f", '"a" "b"'),
    ),
    "range": (
        *("bytes=0-0", "bytes=-0", "bytes=5-1", "bytes=0-18446744073709551616", "bytes=-", "bytes"),
        *("bytes=0-0,1-1,2-2", "chars=0-1", "bytes=a-b", "bytes=99999999999999999999-"),
        *("bytes=--1", "bytes=" + ",".join(["0-"] * 500), "=", "bytes=\u0661-"),
    ),
    "x-request-id": (
        *("sane-id-1", "A" * 64, "a" * 129, "a" * 4000, " ", "a b", "ä", "<script>", '"', "a\tb"),
        *("%0d%0aX-Injected: 1", "\x7f", "a,b", "${jndi:ldap://x}", "../../x", "é" * 20),
    ),
}


class MalformedCases:
    """Makes the malformed cases of a document, numbered from `first`."""

    def __init__(self, document: Document, *, thorough: bool, first: int = 100_000) -> None:
        self._document = document
        self._thorough = thorough
        self._number = first
        self._turn = 0

    def cases(self) -> Iterator[Case]:
        """All cases, operation by operation."""
        for operation in self._document.operations.values():
            yield from self._paths(operation)
            yield from self._queries(operation)
            yield from self._bodies(operation)
            yield from self._headers(operation)

    def _some(self, values: tuple[str, ...], count: int) -> tuple[str, ...]:
        """All values if thorough; else the first and a few others, which change per operation."""
        if self._thorough or len(values) <= count:
            return values
        rest = values[1:]
        picked = [rest[(self._turn + number) % len(rest)] for number in range(count - 1)]
        self._turn += count - 1
        return (values[0], *picked)

    def _paths(self, operation: ApiOperation) -> Iterator[Case]:
        for name in operation.parameters_in("path"):
            for value in self._some(IDS, 6):
                yield self._case(operation, f"{name} {value:.40}", path={name: value})

    def _queries(self, operation: ApiOperation) -> Iterator[Case]:
        for query in self._some(QUERIES, 3):
            yield self._case(operation, f"query {query:.40}", query=query)
        values = {"limit": LIMITS, "cursor": CURSORS, "target_id": IDS}
        for name in operation.parameters_in("query"):
            for value in values.get(name, IDS):
                yield self._case(operation, f"{name}={value:.40}", query=f"{name}={value}")

    def _bodies(self, operation: ApiOperation) -> Iterator[Case]:
        if operation.body is None:
            if operation.method == "POST":
                for body in (b"{", b"\0", b'{"a":' * 5000, b"[]"):
                    about = f"body {body!r:.30}"
                    yield self._case(operation, about, payload=Payload(about, body))
            return
        content = operation.body.get("content") or {}
        schema = self._document.resolve((content.get("application/json") or {}).get("schema")) or {}
        for field in schema.get("properties") or {}:
            for payload in json_payloads(field):
                yield self._case(operation, payload.about, payload=payload)
        if "multipart/form-data" in content:
            for payload in form_payloads():
                yield self._case(operation, payload.about, payload=payload)

    def _headers(self, operation: ApiOperation) -> Iterator[Case]:
        for name in operation.parameters_in("header"):
            values = HEADER_VALUES.get(name.lower(), ())
            for value in self._some(values, 2) if name.lower() == "x-request-id" else values:
                yield self._case(operation, f"{name}: {value:.40}", headers=((name, value),))
        if operation.secured:
            yield self._case(operation, "no token", token=False)

    def _case(
        self,
        operation: ApiOperation,
        about: str,
        *,
        path: dict[str, str] | None = None,
        query: str = "",
        payload: Payload | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        token: bool = True,
    ) -> Case:
        self._number += 1
        values = {
            name: slot("own", name, self._number)
            if name in operation.path_ids
            else self._first(each)
            for name, each in operation.parameters_in("path").items()
        }
        target = operation.template
        for name, value in {**values, **(path or {})}.items():
            target = target.replace("{" + name + "}", value)
        if payload is None and operation.body is not None:
            payload = self._valid_body(operation)
        if payload is not None and payload.content_type is not None:
            headers = (("Content-Type", payload.content_type), *headers)
        if not any(name.lower() == "idempotency-key" for name, _ in headers):
            needed = operation.parameters_in("header").get("Idempotency-Key")
            if needed and needed.get("required"):
                headers = (*headers, ("Idempotency-Key", f"hostile-{self._number}"))
        return Case(
            number=self._number,
            operation_id=operation.id,
            phase="malformed",
            positive=False,
            about=about,
            method=operation.method,
            target=f"{target}?{query}" if query else target,
            headers=headers,
            body=payload.body if payload else None,
            token=token,
        )

    def _first(self, parameter: Mapping[str, Any]) -> str:
        schema = self._document.resolve(parameter["schema"])
        return quote(str((schema.get("enum") or ["x"])[0]), safe="")

    def _valid_body(self, operation: ApiOperation) -> Payload:
        """A body that could be valid, so that the malformed part elsewhere gets read."""
        media = ((operation.body or {}).get("content") or {}).get("application/json")
        if media is None:
            return Payload("", b"--b--\r\n", FORM)
        for example in (media.get("examples") or {}).values():
            return Payload("", json.dumps(example["value"]).encode())
        return Payload("", b"{}")
