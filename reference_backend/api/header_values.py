"""Header values of the form `value; name=token; name="quoted"`, for instance Content-Type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_VALUE = re.compile(r"[ \t]*([^;\s]+)[ \t]*")
_PARAMETER = re.compile(
    r""";[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;"\s]*))?[ \t]*"""
)
# Only these two are escapes: browsers send Windows paths with bare backslashes.
_ESCAPED = re.compile(r'\\(["\\])')
_EXTENDED = re.compile(r"(?:utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE)


class MalformedHeaderError(ValueError):
    """The header value does not have this form."""


@dataclass(frozen=True, kw_only=True)
class HeaderValue:
    """A value in lower case, and its parameters by lower-case name."""

    value: str
    parameters: Mapping[str, str]

    def extended(self, name: str) -> str | None:
        """A parameter; its percent-encoded form `name*` (RFC 8187) takes precedence.

        Raises MalformedHeaderError for a wrong encoding.
        """
        encoded = self.parameters.get(f"{name}*")
        if encoded is None:
            return self.parameters.get(name)
        match = _EXTENDED.fullmatch(encoded)
        if not match:
            raise MalformedHeaderError(f"{name}* is not in the form of RFC 8187")
        charset = "utf-8" if encoded[:1] in "uU" else "latin-1"
        try:
            return unquote_to_bytes(match[1]).decode(charset)
        except UnicodeDecodeError as error:
            raise MalformedHeaderError(f"{name}* is not {charset}") from error


def parse_header_value(text: str) -> HeaderValue:
    """Parse the value; a parameter given twice is malformed."""
    match = _VALUE.match(text)
    if not match:
        raise MalformedHeaderError("empty")
    parameters: dict[str, str] = {}
    position = match.end()
    while position < len(text):
        parameter = _PARAMETER.match(text, position)
        if not parameter:
            raise MalformedHeaderError(f"cannot parse {text[position : position + 20]!r}")
        position = parameter.end()
        name, value = parameter.groups()
        if name is None:
            continue
        if name.lower() in parameters:
            raise MalformedHeaderError(f"{name} is given twice")
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        parameters[name.lower()] = value
    return HeaderValue(value=match[1].lower(), parameters=parameters)
