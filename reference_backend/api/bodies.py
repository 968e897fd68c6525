"""JSON bodies: read with a limit, parsed as I-JSON (RFC 7493), refused with a reason.

I-JSON has no duplicate names, no lone surrogates and no NaN, which parsers read differently: such
values could not be hashed and stored reliably.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from reference_backend.api import problems
from reference_backend.api.header_values import MalformedHeaderError, parse_header_value
from reference_backend.api.problems import Problem

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
IDLE_S = 60.0
"""A body of which nothing was received for this long is refused."""
_MAX_EXACT_INTEGER = 2**53 - 1


class BrokenBodyError(Exception):
    """The body is incomplete, or its sender stopped sending."""


async def chunks_of(request: web.Request) -> AsyncIterator[bytes]:
    """The body in chunks; sends 100 Continue first if the client expects it.

    Raises BrokenBodyError, and ConnectionError if the client is gone.
    """
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the final answer has not begun
    try:
        while not request.content.at_eof():
            async with asyncio.timeout(IDLE_S):
                chunk = await request.content.readany()
            yield chunk
    except TimeoutError as error:
        raise BrokenBodyError(f"nothing was received for {IDLE_S:g} seconds") from error
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise BrokenBodyError("its transfer encoding is broken") from error


def refuse_encoded(request: web.Request) -> None:
    """Refuse compressed bodies: their length does not limit the decompressed size."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Problem("unsupported_type", "The body must not have a Content-Encoding.", close=True)


async def read_object(
    request: web.Request, *, max_bytes: int = MAX_BYTES, optional: bool = False
) -> dict[str, Any]:
    """The body as a JSON object; with `optional`, an empty body is an empty object.

    Raises a 400, 413 or 415 Problem.
    """
    refuse_encoded(request)
    if optional and not request.can_read_body:
        return {}
    _require_json(request)
    body = await _read(request, max_bytes)
    if optional and not body:
        return {}
    value = _parse(body)
    if not isinstance(value, dict):
        raise Problem("invalid_request", "The body must be a JSON object.")
    return value


def require_text(value: object, field: str, *, max_length: int | None = None) -> str:
    """Text that the database can store; a 400 Problem otherwise."""
    if not isinstance(value, str):
        raise problems.invalid(field, "must be a string")
    if "\0" in value:
        raise problems.invalid(field, "must not contain a NUL character")
    if max_length is not None and len(value) > max_length:
        raise problems.invalid(field, f"must have at most {max_length} characters")
    return value


def require_storable(value: object, field: str, *, max_depth: int) -> None:
    """JSON that the database and JCS represent without loss; a 400 Problem otherwise."""
    for path, item, depth in _walk(value, field):
        if depth > max_depth:
            raise problems.invalid(field, f"must not be deeper than {max_depth} levels")
        if isinstance(item, str):
            require_text(item, path)
        elif isinstance(item, int | float) and abs(item) > _MAX_EXACT_INTEGER:
            raise problems.invalid(path, "numbers must lie within ±9007199254740991")


def _require_json(request: web.Request) -> None:
    try:
        declared = parse_header_value(request.headers.get("Content-Type", ""))
    except MalformedHeaderError:
        declared = None
    if declared is None or declared.value != "application/json":
        raise Problem("unsupported_type", "The body must be application/json.", close=True)


async def _read(request: web.Request, max_bytes: int) -> bytes:
    too_large = Problem("too_large", f"The body may have at most {max_bytes} bytes.", close=True)
    if (request.content_length or 0) > max_bytes:
        raise too_large
    body = bytearray()
    try:
        async for chunk in chunks_of(request):
            body += chunk
            if len(body) > max_bytes:
                raise too_large
    except BrokenBodyError as error:
        raise Problem("invalid_request", f"The body cannot be read: {error}.") from error
    return bytes(body)


def _parse(body: bytes) -> object:
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
        for path, item, depth in _walk(value, ""):
            if depth > MAX_DEPTH:
                raise ValueError(f"deeper than {MAX_DEPTH} levels")
            if isinstance(item, str):
                item.encode("utf-8")
            elif isinstance(item, float) and item in (float("inf"), float("-inf")):
                raise ValueError(f"the number at {path or 'the top'} is out of range")
    except (ValueError, RecursionError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else _reason(error)
        raise Problem("invalid_request", f"The body is not I-JSON: {reason}.") from error
    return value


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeError):
        return "it is not well-formed Unicode"
    return str(error).splitlines()[0]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


def _walk(value: object, path: str) -> Iterator[tuple[str, object, int]]:
    """Every value and object name with its path and depth, without recursion."""
    pending: list[tuple[str, object, int]] = [(path, value, 0)]
    while pending:
        here, item, depth = pending.pop()
        yield here, item, depth
        if isinstance(item, dict):
            for name, inner in item.items():
                yield here, name, depth
                pending.append((f"{here}.{name}", inner, depth + 1))
        elif isinstance(item, list):
            pending += ((f"{here}[{n}]", inner, depth + 1) for n, inner in enumerate(item))
