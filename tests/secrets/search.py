"""Looking for secrets in bytes, in every form that one may have been repeated in.

Written apart from `harness.redaction.secret_encodings`, which is what it is to find mistakes of.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

_TOKENS = re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}|eyJ[\w-]{8,}%2[eE][\w-]{8,}")


@dataclass(frozen=True, kw_only=True)
class Find:
    """A secret where none may be."""

    where: str
    form: str
    around: str

    def __str__(self) -> str:
        return f"{self.where}: {self.form}: …{self.around}…"


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """The forms to look for, each with its name."""
    raw = secret.encode()
    yield "plain", raw
    yield "url-quoted", quote(secret, safe="").encode()
    yield "url-quoted in lower case", quote(secret, safe="").lower().encode()
    yield "url-quoted as a form", quote_plus(secret).encode()
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "JSON of letters", json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield "repr", repr(secret)[1:-1].encode()
    yield "hex", raw.hex().encode()
    for neighbor in (b"", b"x", b"xy"):
        for encode in (b64encode, urlsafe_b64encode):
            # Without the letters that the neighbors have a part in.
            text = encode(neighbor + raw).rstrip(b"=")
            yield "base64", text[4 if neighbor else 0 : -1]


class Search:
    """Knows what must not be found."""

    def __init__(self, secrets: Iterable[str], *, tokens: bool = True) -> None:
        self._needles = {needle: form for one in secrets for form, needle in forms(one) if needle}
        assert all(len(needle) >= 8 for needle in self._needles), "found in any text"
        self._tokens = tokens

    def finds(self, where: str, content: bytes) -> Iterator[Find]:
        """Every form of every secret that stands in the content, the first place of each."""
        for needle, form in self._needles.items():
            at = content.find(needle)
            if at >= 0:
                yield Find(where=where, form=form, around=_around(content, at))
        for token in _TOKENS.finditer(content) if self._tokens else ():
            yield Find(where=where, form="a token", around=_around(content, token.start()))
            return


def _around(content: bytes, at: int) -> str:
    return content[max(0, at - 80) : at + 60].decode("utf-8", "replace")
