"""Multipart forms, written as browsers write them."""

import secrets
from collections.abc import Iterator, Mapping

from harness.client.samples import Sample

_BOUNDARY_LENGTH = 70
"""The most characters that a boundary has (RFC 2046, section 5.1.1)."""


def encode_form(fields: Mapping[str, str], files: Mapping[str, Sample]) -> tuple[bytes, str]:
    """Give the body of a form and its Content-Type, text fields first."""
    boundary = new_boundary()
    body = b"".join(_pieces(boundary, fields, files))
    return body, form_type(boundary)


def new_boundary() -> str:
    """A boundary that no file has in it by chance."""
    return f"shakedown-{secrets.token_hex(16)}"


def form_type(boundary: str) -> str:
    """The Content-Type of a form with this boundary."""
    return f"multipart/form-data; boundary={boundary}"


def text_part(boundary: str, name: str, value: str) -> bytes:
    """One text field with its delimiter before it and the line end after it."""
    start = f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(name)}"'
    return f"{start}\r\n\r\n{value}\r\n".encode()


def file_head(boundary: str, name: str, file_name: str, mime_type: str) -> bytes:
    """Everything of a file's part that goes before its bytes."""
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(name)}"; '
        f'filename="{_escaped(file_name)}"\r\nContent-Type: {mime_type}\r\n\r\n'
    ).encode()


def renamed_parts(body: bytes, names: Mapping[str, str]) -> bytes:
    """Give a form, also a broken one, with its parts renamed where a part's head names them."""
    for name, other in names.items():
        old = f'form-data; name="{_escaped(name)}"'.encode()
        body = body.replace(old, f'form-data; name="{_escaped(other)}"'.encode())
    return body


def with_text_parts(body: bytes, texts: Mapping[str, str]) -> bytes:
    """Give a form with text fields before its first part, which may be there already.

    Anything that does not begin as a form does stays as it is.
    """
    line, end, _ = body.partition(b"\r\n")
    boundary = line.removeprefix(b"--").decode("latin-1")
    if not end or not line.startswith(b"--") or not boundary or len(boundary) > _BOUNDARY_LENGTH:
        return body
    fields = b"".join(text_part(boundary, name, text) for name, text in texts.items())
    return body if body.startswith(fields) else fields + body


def closing(boundary: str) -> bytes:
    """The end of a form, after the line end of its last part."""
    return f"--{boundary}--\r\n".encode()


def _pieces(
    boundary: str, fields: Mapping[str, str], files: Mapping[str, Sample]
) -> Iterator[bytes]:
    for name, value in fields.items():
        yield text_part(boundary, name, value)
    for name, sample in files.items():
        yield file_head(boundary, name, sample.file_name, sample.mime_type)
        yield sample.content
        yield b"\r\n"
    yield closing(boundary)


def _escaped(name: str) -> str:
    """Escape a name as the WHATWG's form encoding does; UTF-8 stays as it is."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
