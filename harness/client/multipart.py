"""Multipart forms, written as browsers write them."""

import secrets
from collections.abc import Iterator, Mapping

from harness.client.samples import Sample


def encode_form(fields: Mapping[str, str], files: Mapping[str, Sample]) -> tuple[bytes, str]:
    """Give the body of a form and its Content-Type, text fields first."""
    boundary = f"shakedown-{secrets.token_hex(16)}"
    body = b"".join(_pieces(boundary, fields, files))
    return body, f"multipart/form-data; boundary={boundary}"


def _pieces(
    boundary: str, fields: Mapping[str, str], files: Mapping[str, Sample]
) -> Iterator[bytes]:
    start = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    for name, value in fields.items():
        yield f'{start}{_escaped(name)}"\r\n\r\n{value}\r\n'.encode()
    for name, sample in files.items():
        yield (
            f'{start}{_escaped(name)}"; filename="{_escaped(sample.file_name)}"\r\n'
            f"Content-Type: {sample.mime_type}\r\n\r\n"
        ).encode()
        yield sample.content
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _escaped(name: str) -> str:
    """Escape a name as the WHATWG's form encoding does; UTF-8 otherwise stands as it is."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
