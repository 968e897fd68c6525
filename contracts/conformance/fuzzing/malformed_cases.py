"""Requests that no schema describes and every server gets: broken bytes, absurd sizes, wrong types.

The document decides where they go: to each operation what it takes (a body, query parameters, ids),
so that a new route is not forgotten. What they carry is the same under every seed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.document import ApiOperation, Document

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
"""What stands in the place of an id; each is the id of nothing."""

DEEP = 50_000


@dataclass(frozen=True, kw_only=True)
class Payload:
    """A body with its type."""

    about: str
    body: bytes
    content_type: str | None = "application/json"


def json_payloads(field: str) -> Iterator[Payload]:
    """Bodies for an operation that takes a JSON object with this field."""

    def of(value: Any) -> bytes:  # noqa: ANN401 - any JSON
        return json.dumps({field: value}).encode()

    name = json.dumps(field).encode()
    yield Payload(about="NUL in text", body=of("a\0b"))
    yield Payload(about="NUL in a name", body=of({"a\0b": "a\0b"}))
    yield Payload(about="NUL byte in the body", body=b'{"' + field.encode() + b'": "a\0b"}')
    yield Payload(about="NUL where anything may stand", body=of({"x": ["\0", {"y": "\0"}]}))
    yield Payload(about="lone surrogate", body=b"{" + name + rb': "\ud800"}')
    yield Payload(about="lone surrogate, nested", body=b"{" + name + rb': {"x": "\udfff\ud800"}}')
    yield Payload(about="invalid UTF-8", body=b"{" + name + b': "\xff\xfe\xc3("}')
    yield Payload(about="overlong UTF-8", body=b"{" + name + b': "\xc0\x80"}')
    yield Payload(about="UTF-16", body=of("x").decode().encode("utf-16"))
    yield Payload(about="byte order mark", body=b"\xef\xbb\xbf" + of("x"))
    yield Payload(about="deep arrays", body=b"{" + name + b": " + b"[" * DEEP + b"]" * DEEP + b"}")
    yield Payload(
        about="deep objects",
        body=b"{" + name + b": " + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    )
    yield Payload(about="deep and unfinished", body=b'{"a":' * DEEP)
    yield Payload(about="an object 100 deep", body=of(_nested(100)))
    yield Payload(about="name given twice", body=b"{" + name + b": 1, " + name + b': "x"}')
    yield Payload(about="nested name given twice", body=b"{" + name + b': {"a": 1, "a": 2}}')
    yield Payload(about="integer of 400 digits", body=of({"n": 10**400}))
    yield Payload(
        about="integer of 5000 digits", body=b"{" + name + b': {"n": ' + b"9" * 5000 + b"}}"
    )
    yield Payload(about="number out of range", body=b"{" + name + b': {"n": 1e999999}}')
    yield Payload(about="many decimals", body=b"{" + name + b': {"n": 0.' + b"1" * 2000 + b"}}")
    yield Payload(about="2^63", body=of({"n": 2**63}))
    yield Payload(about="NaN", body=b"{" + name + b': {"n": NaN}}')
    yield Payload(about="Infinity", body=b"{" + name + b": -Infinity}")
    odd: tuple[Any, ...] = (None, True, 0, -1.5, "", [], {}, [[]], "x" * 20_000, [{}] * 200)
    for value in odd:
        yield Payload(about=f"{field}: {value!r:.30}", body=of(value))
    for text in (
        b"",
        b" ",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"true",
        b"{",
        b"}",
        b"{'a': 1}",
        b"\x00",
    ):
        yield Payload(about=f"body {text!r}", body=text)
    yield Payload(about="trailing comma", body=b"{" + name + b': "x",}')
    yield Payload(about="two documents", body=of("x") + of("x"))
    yield Payload(about="prototype", body=b'{"__proto__": {"x": 1}, ' + name + b': "x"}')
    for content_type in _STRANGE_TYPES:
        yield Payload(about=f"as {content_type}", body=of("x"), content_type=content_type)


_STRANGE_TYPES = (
    *("text/plain", "text/html; charset=utf-8", "application/x-www-form-urlencoded", "a", ";", "/"),
    *("application/xml", "multipart/form-data", "multipart/form-data; boundary=x", "image/png"),
    *('application/json; charset="nonsense"', "application/json; charset=utf-16", None),
)


def form_payloads() -> Iterator[Payload]:
    """Bodies for an operation that takes a form."""
    form = "multipart/form-data; boundary=b"

    def part(head: bytes, content: bytes = b"x") -> bytes:
        return b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n--b--\r\n"

    file = (
        b'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png'
    )
    yield Payload(about="empty form", body=b"--b--\r\n", content_type=form)
    yield Payload(about="nothing of a form", body=b"\0\1\2", content_type=form)
    yield Payload(about="no boundary", body=part(file), content_type="multipart/form-data")
    yield Payload(about="JSON", body=b'{"file": "x"}', content_type="application/json")
    yield Payload(about="no type", body=part(file), content_type=None)
    yield Payload(about="unfinished", body=part(file)[:-8], content_type=form)
    yield Payload(about="part without headers", body=part(b""), content_type=form)
    yield Payload(
        about="part without a name", body=part(b"Content-Disposition: form-data"), content_type=form
    )
    yield Payload(
        about="NUL in headers", body=part(file.replace(b"a.png", b"a\0b")), content_type=form
    )
    yield Payload(
        about="invalid UTF-8 name",
        body=part(file.replace(b"a.png", b"\xff\xfe")),
        content_type=form,
    )
    for name in (b"tag", b"phase", b"captured_at"):
        head = b'Content-Disposition: form-data; name="' + name + b'"'
        for about, text in (
            ("NUL", b"a\0b"),
            ("invalid UTF-8", b"\xff\xfe"),
            ("long", b"x" * 5000),
        ):
            yield Payload(
                about=f"{about} in {name.decode()}",
                body=b"--b\r\n" + head + b"\r\n\r\n" + text + b"\r\n" + part(file, _PNG),
                content_type=form,
            )
    for moment in (
        b"9999-12-31T23:59:60-23:59",
        b"0000-00-00T00:00:00Z",
        b"-1",
        b"\xd9\xa1",
        b"1e9",
    ):
        head = b'Content-Disposition: form-data; name="captured_at"'
        yield Payload(
            about=f"captured_at {moment!r}",
            body=b"--b\r\n" + head + b"\r\n\r\n" + moment + b"\r\n" + part(file, _PNG),
            content_type=form,
        )


_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


class MalformedCases:
    """Makes the hostile cases of a document, numbered from `first`."""

    def __init__(self, document: Document, *, thorough: bool, first: int = 100_000) -> None:
        self._document = document
        self._thorough = thorough
        self._number = first
        self._turn = 0

    def cases(self) -> Iterator[Case]:
        """All of them, operation by operation."""
        for operation in self._document.operations.values():
            yield from self._paths(operation)
            yield from self._queries(operation)
            yield from self._bodies(operation)
            yield from self._headers(operation)

    def _some(self, values: tuple[str, ...], count: int) -> tuple[str, ...]:
        """All values, or the first and a few others, which are others for the next operation."""
        if self._thorough or len(values) <= count:
            return values
        rest = values[1:]
        picked = [rest[(self._turn + number) % len(rest)] for number in range(count - 1)]
        self._turn += count - 1
        return (values[0], *picked)

    def _paths(self, operation: ApiOperation) -> Iterator[Case]:
        for name in operation.parameters_in("path"):
            for strange in self._some(IDS, 6):
                yield self._case(operation, f"{name} {strange:.40}", path={name: strange})

    def _queries(self, operation: ApiOperation) -> Iterator[Case]:
        for query in self._some(QUERIES, 3):
            yield self._case(operation, f"query {query:.40}", query=query)
        strange = {"limit": LIMITS, "cursor": CURSORS, "target_id": IDS}
        for name in operation.parameters_in("query"):
            for value in strange.get(name, IDS):
                yield self._case(operation, f"{name}={value:.40}", query=f"{name}={value}")

    def _bodies(self, operation: ApiOperation) -> Iterator[Case]:
        if operation.body is None:
            if operation.method == "POST":
                for text in (b"{", b"\0", b'{"a":' * 5000, b"[]"):
                    yield self._case(
                        operation, f"body {text!r:.30}", payload=Payload(about="", body=text)
                    )
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
            values = _HEADER_VALUES.get(name.lower(), ())
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
            payload = self._sound(operation)
        if payload is not None and payload.content_type is not None:
            headers = (("Content-Type", payload.content_type), *headers)
        if not any(name.lower() == "idempotency-key" for name, _ in headers):
            needed = operation.parameters_in("header").get("Idempotency-Key")
            if needed and needed.get("required"):
                headers = (*headers, ("Idempotency-Key", f"hostile-{self._number}"))
        return Case(
            number=self._number,
            operation_id=operation.id,
            phase="hostile",
            positive=False,
            about=about,
            method=operation.method,
            target=f"{target}?{query}" if query else target,
            headers=headers,
            body=payload.body if payload else None,
            token=token,
        )

    def _first(self, parameter: Any) -> str:  # noqa: ANN401 - a parameter object
        schema = self._document.resolve(parameter["schema"])
        return quote(str((schema.get("enum") or ["x"])[0]), safe="")

    def _sound(self, operation: ApiOperation) -> Payload:
        """A body that could be right, so that what is strange elsewhere gets looked at."""
        content = (operation.body or {}).get("content") or {}
        media = content.get("application/json")
        if media is None:
            return Payload(
                about="", body=b"--b--\r\n", content_type="multipart/form-data; boundary=b"
            )
        for example in (media.get("examples") or {}).values():
            return Payload(about="", body=json.dumps(example["value"]).encode())
        return Payload(about="", body=b"{}")


_HEADER_VALUES = {
    "idempotency-key": (
        *(
            "",
            " ",
            '"',
            '""',
            "\\",
            '"\\"',
            "a" * 255,
            "a" * 256,
            "a" * 5000,
            "schlüssel",
            "a\tb",
            ",",
        ),
        *('"unfinished', ":YWJj:", "?1", "a;b=c", "\x7f", '"a" "b"'),
    ),
    "range": (
        *("bytes=0-0", "bytes=-0", "bytes=5-1", "bytes=0-18446744073709551616", "bytes=-", "bytes"),
        *(
            "bytes=0-0,1-1,2-2",
            "chars=0-1",
            "bytes=a-b",
            "bytes=99999999999999999999-",
            "bytes=--1",
        ),
        *("bytes=" + ",".join(["0-"] * 500), "=", "bytes=\u0661-"),
    ),
    "x-request-id": (
        *("sane-id-1", "A" * 64, "a" * 129, "a" * 4000, " ", "a b", "ä", "<script>", '"', "a\tb"),
        *("%0d%0aX-Injected: 1", "\x7f", "a,b", "${jndi:ldap://x}", "../../x", "é" * 20),
    ),
}


def _nested(depth: int) -> Any:  # noqa: ANN401 - JSON
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value
