"""Upload bodies that are malformed in one way each, and some that are only unusual."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.client import Sample
from harness.client.multipart import closing, file_head, form_type, text_part

OUTER, INNER = "outer-5f0c", "inner-9a41"
MALFORMED = (400,)
_BASE64 = b"Content-Transfer-Encoding: base64"
REFUSED = (400, 415, 422)
TOLERATED = (200, 201, 400, 413, 415, 422, 431)
"""The contract does not say: the backend may accept the whole file, or refuse it."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A body, its Content-Type, and the statuses that may answer it."""

    what: str
    body: bytes = field(repr=False)
    content_type: str | None = form_type(OUTER)
    statuses: tuple[int, ...] = MALFORMED


def whole(sample: Sample) -> bytes:
    """The correct form."""
    head = file_head(OUTER, "file", sample.file_name, sample.mime_type)
    return head + sample.content + b"\r\n" + closing(OUTER)


def not_multipart(sample: Sample) -> Iterator[Form]:
    """Wrong Content-Types, or ones without a boundary: the headers suffice to refuse them."""
    body = whole(sample)
    for content_type in (
        None,
        "application/json",
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; charset=utf-8",
    ):
        yield Form(what=f"Content-Type {content_type}", body=body, content_type=content_type)


def truncated(sample: Sample) -> Iterator[Form]:
    """A form that ends too early, with its true length."""
    body = whole(sample)
    head = body.index(b"\r\n\r\n") + 4
    end = len(body) - len(b"\r\n" + closing(OUTER))
    for what, length in (
        ("nothing at all", 0),
        ("one byte", 1),
        ("half of the first boundary", len(OUTER) // 2),
        ("no line end after the first boundary", 2 + len(OUTER)),
        ("half of the part's headers", head // 2),
        ("no empty line after the part's headers", head - 2),
        ("the first byte of the file alone", head + 1),
        ("half of the file", (head + end) // 2),
        ("all of the file but its last byte", end - 1),
        ("all of the file and nothing after it", end),
        ("no boundary after the file's line end", end + 2),
        ("half of the closing boundary", end + 4 + len(OUTER) // 2),
        ("a closing boundary without its two hyphens", end + 4 + len(OUTER)),
    ):
        yield Form(what=f"truncated: {what}", body=body[:length])
    another_begins = body[: end + 4 + len(OUTER)] + b"\r\n"
    yield Form(what="truncated: where another part begins", body=another_begins)


def without_file(sample: Sample) -> Iterator[Form]:
    """A form without a part named `file`, or without any part."""
    body, end = whole(sample), closing(OUTER)
    yield Form(what="no part at all", body=end)
    yield Form(what="text fields alone", body=text_part(OUTER, "tag", "roof") + end)
    yield Form(what="file named upload", body=_changed(body, b'"file"', b'"upload"'))
    yield Form(what="file part without a name", body=_changed(body, b'name="file"; ', b""))
    nameless = body[: body.index(b"\r\n") + 2] + b"\r\n" + body[body.index(b"\r\n\r\n") + 4 :]
    yield Form(what="file part without headers", body=nameless)
    yield Form(what="random bytes", body=b"\xff\x00 rubbish \r\n" * 64)
    yield Form(
        what="the boundary of another form", body=body, content_type=form_type("something-else")
    )
    yield Form(
        what="a file inside a nested form",
        body=_nested(body, b'Content-Disposition: form-data; name="files"'),
        statuses=REFUSED,
    )
    yield Form(
        what="a nested form instead of the file",
        body=_nested(body, b'Content-Disposition: form-data; name="file"; filename="a.png"'),
        statuses=REFUSED,
    )


def unusual(sample: Sample) -> Iterator[Form]:
    """Forms that the contract does not mention: never a server error, never half a file."""
    body, end = whole(sample), closing(OUTER)
    part = body.removesuffix(end)
    kind = f"Content-Type: {sample.mime_type}\r\n".encode()
    tag = text_part(OUTER, "tag", "roof")
    named = f'; filename="{sample.file_name}"'.encode()
    for what, strange in (
        ("lines that end in LF alone", body.replace(b"\r\n", b"\n")),
        ("no type of the file", _changed(body, kind, b"")),
        ("no name of the file", _changed(body, named, b"")),
        ("a part with a wrong Content-Length", _with_header(body, kind, b"Content-Length: 3")),
        ("a part declared as Base64", _with_header(body, kind, _BASE64)),
        ("a part that is an attachment", _changed(body, b"form-data;", b"attachment;")),
        ("a part with duplicate headers", _changed(body, kind, kind + kind)),
        ("a header without a colon", _with_header(body, kind, b"nonsense")),
        ("40 kB of a part's headers", _with_header(body, kind, b"X-Pad: " + b"x" * 40_000)),
        ("two thousand parts", text_part(OUTER, "x", "y") * 2000 + body),
        ("NUL in a text field", tag.replace(b"roof", b"a\0b") + body),
        ("text that is not UTF-8", tag.replace(b"roof", b"\xff\xfe") + body),
        ("a tag twice", tag + tag + body),
        ("a tag of 60 kB", tag.replace(b"roof", b"x" * 60_000) + body),
        ("an invalid captured_at", text_part(OUTER, "captured_at", "soon") + body),
        ("the same file twice", part + body),
        ("text before and after the form", b"before\r\n" + body + b"after\r\n"),
    ):
        yield Form(what=what, body=strange, statuses=TOLERATED)


def _changed(body: bytes, old: bytes, new: bytes) -> bytes:
    assert body.count(old) == 1, f"{old!r} is in the form {body.count(old)} times"
    return body.replace(old, new)


def _with_header(body: bytes, kind: bytes, line: bytes) -> bytes:
    return _changed(body, kind, kind + line + b"\r\n")


def _nested(body: bytes, disposition: bytes) -> bytes:
    inner = body.replace(OUTER.encode(), INNER.encode())
    kind = f"Content-Type: multipart/mixed; boundary={INNER}".encode()
    start = f"--{OUTER}\r\n".encode()
    return start + disposition + b"\r\n" + kind + b"\r\n\r\n" + inner + b"\r\n" + closing(OUTER)
