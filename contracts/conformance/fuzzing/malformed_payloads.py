"""Malformed request bodies: broken encodings, extreme sizes, wrong types and content types."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

JSON = "application/json"
FORM = "multipart/form-data; boundary=b"
DEEP = 50_000

CONTENT_TYPES = (
    *("text/plain", "text/html; charset=utf-8", "application/x-www-form-urlencoded", "a", ";", "/"),
    *("application/xml", "multipart/form-data", "multipart/form-data; boundary=x", "image/png"),
    *('application/json; charset="nonsense"', "application/json; charset=utf-16", None),
)

VALUES: tuple[Any, ...] = (*(None, True, 0, -1.5, "", [], {}, [[]], "x" * 20_000, [{}] * 200),)
BODIES = (b"", b" ", b"null", b"[]", b'"x"', b"1", b"true", b"{", b"}", b"{'a': 1}", b"\x00")
TIMES = (b"9999-12-31T23:59:60-23:59", b"0000-00-00T00:00:00Z", b"-1", b"\xd9\xa1", b"1e9")

_FILE = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png'
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@dataclass(frozen=True)
class Payload:
    """A body with its type."""

    about: str
    body: bytes
    content_type: str | None = JSON


def json_payloads(field: str) -> Iterator[Payload]:
    """Bodies for an operation that takes a JSON object with this field."""

    def of(value: Any) -> bytes:  # noqa: ANN401 - any JSON
        return json.dumps({field: value}).encode()

    name = json.dumps(field).encode()

    def raw(value: bytes) -> bytes:
        return b"{" + name + b": " + value + b"}"

    yield Payload("NUL in text", of("a\0b"))
    yield Payload("NUL in a name", of({"a\0b": "a\0b"}))
    yield Payload("NUL byte in the body", b'{"' + field.encode() + b'": "a\0b"}')
    yield Payload("NUL in nested values", of({"x": ["\0", {"y": "\0"}]}))
    yield Payload("lone surrogate", raw(rb'"\ud800"'))
    yield Payload("lone surrogate, nested", raw(rb'{"x": "\udfff\ud800"}'))
    yield Payload("invalid UTF-8", raw(b'"\xff\xfe\xc3("'))
    yield Payload("overlong UTF-8", raw(b'"\xc0\x80"'))
    yield Payload("UTF-16", of("x").decode().encode("utf-16"))
    yield Payload("byte order mark", b"\xef\xbb\xbf" + of("x"))
    yield Payload("deep arrays", raw(b"[" * DEEP + b"]" * DEEP))
    yield Payload("deep objects", raw(b'{"a":' * 5000 + b"1" + b"}" * 5000))
    yield Payload("deep and unfinished", b'{"a":' * DEEP)
    yield Payload("an object 100 deep", of(_nested(100)))
    yield Payload("duplicate name", b"{" + name + b": 1, " + name + b': "x"}')
    yield Payload("duplicate nested name", raw(b'{"a": 1, "a": 2}'))
    yield Payload("integer of 400 digits", of({"n": 10**400}))
    yield Payload("integer of 5000 digits", raw(b'{"n": ' + b"9" * 5000 + b"}"))
    yield Payload("number out of range", raw(b'{"n": 1e999999}'))
    yield Payload("many decimals", raw(b'{"n": 0.' + b"1" * 2000 + b"}"))
    yield Payload("2^63", of({"n": 2**63}))
    yield Payload("NaN", raw(b'{"n": NaN}'))
    yield Payload("Infinity", raw(b"-Infinity"))
    for value in VALUES:
        yield Payload(f"{field}: {value!r:.30}", of(value))
    for body in BODIES:
        yield Payload(f"body {body!r}", body)
    yield Payload("trailing comma", b"{" + name + b': "x",}')
    yield Payload("two documents", of("x") + of("x"))
    yield Payload("prototype", b'{"__proto__": {"x": 1}, ' + name + b': "x"}')
    for content_type in CONTENT_TYPES:
        yield Payload(f"as {content_type}", of("x"), content_type)


def form_payloads() -> Iterator[Payload]:
    """Bodies for an operation that takes a form."""
    file = _part(_FILE)
    yield Payload("empty form", b"--b--\r\n", FORM)
    yield Payload("not a form", b"\0\1\2", FORM)
    yield Payload("no boundary", file, "multipart/form-data")
    yield Payload("JSON", b'{"file": "x"}', JSON)
    yield Payload("no type", file, None)
    yield Payload("unfinished", file[:-8], FORM)
    yield Payload("part without headers", _part(b""), FORM)
    yield Payload("part without a name", _part(b"Content-Disposition: form-data"), FORM)
    yield Payload("NUL in headers", _part(_FILE.replace(b"a.png", b"a\0b")), FORM)
    yield Payload("invalid UTF-8 name", _part(_FILE.replace(b"a.png", b"\xff\xfe")), FORM)
    texts = {"NUL": b"a\0b", "invalid UTF-8": b"\xff\xfe", "long": b"x" * 5000}
    for name in ("tag", "phase", "captured_at"):
        for about, text in texts.items():
            yield Payload(f"{about} in {name}", _with_field(name, text), FORM)
    for time in TIMES:
        yield Payload(f"captured_at {time!r}", _with_field("captured_at", time), FORM)


def _part(head: bytes, content: bytes = b"x") -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n--b--\r\n"


def _with_field(name: str, text: bytes) -> bytes:
    """A form with a text field and a file."""
    head = f'Content-Disposition: form-data; name="{name}"'.encode()
    return b"--b\r\n" + head + b"\r\n\r\n" + text + b"\r\n" + _part(_FILE, _PNG)


def _nested(depth: int) -> Any:  # noqa: ANN401 - JSON
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value
