"""Secrets never reach a report: everything that is written goes through here first."""

import re
from collections.abc import Iterable

from harness.harmless import harmless

HIDDEN = "***"

_SHORTEST_SECRET = 4
"""Hiding shorter ones would hide half of every text, and guard nothing."""

_PATTERNS = (
    (re.compile(r"\beyJ[\w-]{4,}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JSON Web Token
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/@'\"]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(password=)[^\s'\"&]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)


class Redactor:
    """Replaces known secrets, and what looks like a token or a password, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on."""
        self._secrets |= {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        # The longest first: one secret may be a part of another.
        alternatives = [re.escape(s) for s in sorted(self._secrets, key=len, reverse=True)]
        self._known = re.compile("|".join(alternatives)) if alternatives else None

    def __call__(self, text: str) -> str:
        """Give the text without its secrets, and harmless to whatever displays it."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return harmless(text)
