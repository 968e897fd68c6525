"""One generated request, before real ids and a token are filled in."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

Ownership = Literal["own", "foreign"]

_SLOT = re.compile(rb"SLOT-(own|foreign)-([a-z_]+)-(\d+)-END")


def slot(ownership: Ownership, name: str, number: int) -> str:
    """A placeholder for the `number`th id of this kind that the tenant has."""
    return f"SLOT-{ownership}-{name}-{number}-END"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request as it is sent, with placeholders (slots) for real ids."""

    number: int
    """Its position among all cases; with the seed it identifies the case."""
    operation_id: str
    phase: str
    """`examples`, `coverage`, `fuzzing`, `malformed`, `stateful` or `by hand`."""
    positive: bool
    """Whether the generator expects success. Only a hint: the rules decide themselves."""
    about: str
    method: str
    target: str
    """Quoted path and query."""
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    token: bool = True
    """Whether it is sent with the tenant's token."""

    @property
    def ownerships(self) -> frozenset[str]:
        """Whose ids its slots stand for."""
        text = self.target.encode() + b" " + (self.body or b"")
        return frozenset(found[1].decode() for found in _SLOT.finditer(text))

    def filled(self, find: Callable[[str, str, int], str]) -> Self:
        """The case with real ids, returned by `find(ownership, name, number)`."""

        def real(found: re.Match[bytes]) -> bytes:
            return find(found[1].decode(), found[2].decode(), int(found[3])).encode()

        return replace(
            self,
            target=_SLOT.sub(real, self.target.encode()).decode(),
            body=None if self.body is None else _SLOT.sub(real, self.body),
        )

    def header(self, name: str) -> str | None:
        """The value of a header, None where it is not sent."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known.lower() == wanted), None)

    def to_plain(self) -> dict[str, Any]:
        """The case as plain values for JSON."""
        plain = asdict(self)
        plain["body"] = None if self.body is None else b64encode(self.body).decode()
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_plain`."""
        body = plain["body"]
        return cls(
            **{
                **plain,
                "headers": tuple((name, value) for name, value in plain["headers"]),
                "body": None if body is None else b64decode(body),
            }
        )
