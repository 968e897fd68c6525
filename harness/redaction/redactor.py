"""Secrets never reach a report: everything that is written goes through here first."""

import re
from collections.abc import Iterable

from harness.redaction.issued_tokens import IssuedTokens
from harness.redaction.secret_encodings import (
    SHORTEST_SECRET,
    base64_decodings,
    encodings_of,
    parts_of,
)
from harness.untrusted.sanitizing import sanitize

HIDDEN = "***"

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
"""Shorter ones hold no token, and known secrets are recognized without decoding."""

_DOT = r"(?:\.|%2[eE])"
_TOKEN = rf"eyJ[\w-]{{4,}}{_DOT}[\w-]+{_DOT}[\w-]*"
_BEGUN = r"eyJ(?:hbGciOi|0eXAiOi|raWQiOi)[\w-]*"
"""How a token begins whose header says `alg`, `typ` or `kid` first; its end may have been cut."""

_PATTERNS = (
    (re.compile(rf"{_TOKEN}|{_BEGUN}(?:{_DOT}[\w-]*)*"), HIDDEN),  # a JSON Web Token
    (re.compile(rf"((?:\.\.\.|…)['\"]?)[\w-]+{_DOT}[\w-]{{20,}}"), rf"\1{HIDDEN}"),  # its end
    (
        # A challenge is not followed by a token, but by the next header.
        re.compile(
            r"\b(bearer|basic)(?!\s*\n[a-z]+(?:-[a-z]+)*:\s)((?:\s|\+|%20)+)[\w.~+/=-]{8,}",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/'\"]+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(r"\b(password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s'\"&]+)", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
)

_CUT = re.compile(r"\s?(?:\.\.\.|…)\s?")
"""Where we, pytest or the backend have shortened a text: half a secret may stand there."""

_WRAPPED = re.compile(r"""['"]\n(?:E[ ]{2,}|[ ]*)b?['"]""")
_WRAPPED_LINES = re.compile(r"""(?:^.*['"]\n(?=(?:E[ ]{2,}|[ ]*)b?['"]))+.*$""", re.MULTILINE)
"""A long text as pprint shows it: a literal a line, so that no line holds the whole secret."""


class Redactor:
    """Replaces known secrets, however they were encoded, and what looks like a token or a password,
    by `***`.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._cuttable: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._encodings: frozenset[str] = frozenset()
        self._issued = IssuedTokens()
        self.add_secrets(secrets)

    def add_secrets(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on: whole, in parts, quoted, escaped, encoded."""
        parts = {part for secret in secrets for part in parts_of(secret)}
        self._secrets |= {part for part in parts if len(part) >= SHORTEST_SECRET}
        self._cuttable |= self._secrets
        encodings = {text for secret in self._secrets for text in encodings_of(secret)}
        self._encodings = frozenset(encodings)
        # The longest first: one secret may be a part of another.
        alternatives = [re.escape(text) for text in sorted(encodings, key=len, reverse=True)]
        self._known = re.compile("|".join(alternatives)) if alternatives else None

    def add_issued_tokens(self, tokens: Iterable[str]) -> None:
        """Hide tokens that the backend gives out: there may be a great many of them."""
        for token in tokens:
            if self._issued.add(token):
                self._cuttable.add(token)
            else:
                self.add_secrets([token])

    def is_secret(self, text: str) -> bool:
        """Whether a text as a whole is a secret that is known: an id or a digest may be one."""
        return text in self._encodings or self._issued.is_issued(text)

    def __call__(self, text: str) -> str:
        """Give the text without its secrets, and safe to display."""
        text = self._without_secrets(_WRAPPED_LINES.sub(self._unwrapped_if_secret, text))
        text = _BASE64.sub(self._unless_secret, text)
        return sanitize(self._without_halves(text))

    def _without_secrets(self, text: str) -> str:
        text = self._issued.hidden(text, HIDDEN)
        return _hide_patterns(text if self._known is None else self._known.sub(HIDDEN, text))

    def _unwrapped_if_secret(self, found: re.Match[str]) -> str:
        unwrapped = _WRAPPED.sub("", found[0])
        hidden = self._without_secrets(unwrapped)
        return found[0] if hidden == unwrapped else hidden

    def _unless_secret(self, found: re.Match[str]) -> str:
        texts = base64_decodings(found[0])
        is_secret = any(self._without_secrets(text) != text for text in texts)
        return HIDDEN if is_secret else found[0]

    def _without_halves(self, text: str) -> str:
        """Hide the beginning of a secret before a cut, and the end of one after it."""
        parts, cuts = _CUT.split(text), _CUT.findall(text)
        if not cuts or not self._cuttable:
            return text
        backwards = [secret[::-1] for secret in self._cuttable]
        for number, cut in enumerate(cuts):
            parts[number] = _without_beginning(parts[number], self._cuttable) + cut
            following = parts[number + 1]
            parts[number + 1] = _without_beginning(following[::-1], backwards)[::-1]
        return "".join(parts)


def _without_beginning(text: str, secrets: Iterable[str]) -> str:
    """Hide the beginning of a secret at the end of a text."""
    bare = text.rstrip("'\"")
    for secret in secrets:
        tail = bare[-len(secret) :]
        at = tail.find(secret[:SHORTEST_SECRET])
        while at >= 0 and not secret.startswith(tail[at:]):
            at = tail.find(secret[:SHORTEST_SECRET], at + 1)
        if at >= 0:
            kept = len(bare) - len(tail) + at
            return text[:kept] + HIDDEN + text[len(bare) :]
    return text


def _hide_patterns(text: str) -> str:
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
