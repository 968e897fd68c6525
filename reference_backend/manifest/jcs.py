"""Canonical JSON (RFC 8785) of the manifest. The ledger hashes another form of JSON."""

from __future__ import annotations

import json

import rfc8785

LARGEST_EXACT_INTEGER = 2**53 - 1


class NotCanonicalError(ValueError):
    """There is no canonical form: a number beyond double precision, a lone surrogate, too deep."""


def dumps(value: object) -> bytes:
    """The canonical bytes of a JSON value; raises NotCanonicalError."""
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # it raises for what it does not support
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise NotCanonicalError(str(error)) from error


def loads(text: str | bytes) -> object:
    """Parse JSON written by JCS or jsonb. Numbers are doubles, as in RFC 8785."""
    value: object = json.loads(text, parse_int=_number)
    return value


def _number(digits: str) -> int | float:
    """jsonb writes 1e21 as an integer, but it is a double: too large for an exact integer."""
    value = int(digits)
    return value if abs(value) <= LARGEST_EXACT_INTEGER else float(digits)
