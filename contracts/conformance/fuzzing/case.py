"""One generated request, before it is known whom it is sent as and which ids it hits."""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

Ownership = Literal["own", "foreign"]

_SLOT = re.compile(rb"SLOT-(own|foreign)-([a-z_]+)-(\d+)-END")


def slot(ownership: Ownership, name: str, number: int) -> str:
    """A stand-in for the id of a real thing: the `number`th of what the tenant has of this kind."""
    return f"SLOT-{ownership}-{name}-{number}-END"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request as it goes over the wire, with slots where real ids are to stand."""

    number: int
    """Its place among all cases of the run; with the seed, its name."""
    operation_id: str
    phase: str
    """`examples`, `coverage`, `fuzzing`, or `hostile` for what was written by hand."""
    positive: bool
    """Whether the generator meant it to be accepted. A hint: rules judge for themselves."""
    about: str
    method: str
    target: str
    """Path and query, quoted."""
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    token: bool = True
    """Whether it carries the tenant's token."""

    @property
    def ownerships(self) -> frozenset[str]:
        """Whose things its slots stand for."""
        text = self.target.encode() + b" " + (self.body or b"")
        return frozenset(found[1].decode() for found in _SLOT.finditer(text))

    def filled(self, find: Callable[[str, str, int], str]) -> Self:
        """The case with real ids: `find(ownership, name, number)` gives them."""

        def real(found: re.Match[bytes]) -> bytes:
            return find(found[1].decode(), found[2].decode(), int(found[3])).encode()

        return replace(
            self,
            target=_SLOT.sub(real, self.target.encode()).decode(),
            body=None if self.body is None else _SLOT.sub(real, self.body),
        )

    def header(self, name: str) -> str | None:
        """The value of a header, None when it is not sent."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known.lower() == wanted), None)

    def to_plain(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        plain = asdict(self)
        plain["body"] = None if self.body is None else b64encode(self.body).decode()
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Rebuild what `to_plain` gave."""
        body = plain["body"]
        return cls(
            **{
                **plain,
                "headers": tuple((name, value) for name, value in plain["headers"]),
                "body": None if body is None else b64decode(body),
            }
        )

    def as_curl(self, base_url: str) -> str:
        """The request as a command that repeats it; `$TOKEN` stands for the tenant's token."""
        words = [f"curl -i -X {self.method} {_quoted(base_url + self.target)}"]
        words += [f"-H {_quoted(f'{name}: {value}')}" for name, value in self.headers]
        if self.token:
            words.append('-H "Authorization: Bearer $TOKEN"')
        if self.body is not None:
            words.append(f"--data-binary {_quoted_bytes(self.body)}")
        return " ".join(words)


def cases_digest(cases: Iterable[Case]) -> str:
    """One hash over many cases, in order: the same seed gives the same."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(repr(sorted(case.to_plain().items())).encode())
    return digest.hexdigest()


def _quoted(text: str) -> str:
    if text.isascii() and text.isprintable():
        return "'" + text.replace("'", "'\\''") + "'"
    return _quoted_bytes(text.encode("utf-8", "surrogatepass"))


def _quoted_bytes(content: bytes, limit: int = 600) -> str:
    shown = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in content[:limit]
    )
    rest = len(content) - limit
    return f"$'{shown}'" + (f" # and {rest} bytes more" if rest > 0 else "")
