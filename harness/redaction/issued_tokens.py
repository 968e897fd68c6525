"""Tokens that the backend gave out during a run: every process of the run hides all of them.

A run makes hundreds of organizations, each with tokens of its own, in several processes. They are
looked up where a text has what may be one, instead of being tried one after the other.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from harness.redaction.secret_encodings import encodings_of, parts_of

_BEGINNING = 12
"""Characters by which a token is looked up; shorter ones are for `Redactor.add_secrets` to know."""

_CANDIDATE = re.compile(rf"[\w.~+/=%\\-]{{{_BEGINNING},}}")
"""Letters of tokens (RFC 9110, section 11.2), and those they are quoted and escaped with."""


class IssuedTokens:
    """Replaces tokens that were given out, in every form in which they may come back."""

    def __init__(self) -> None:
        self._by_beginning: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, token: str) -> bool:
        """Know a token from now on; False, and nothing is done, for one of another form."""
        encodings = {text for part in parts_of(token) for text in encodings_of(part)}
        if not all(_CANDIDATE.fullmatch(text) for text in encodings):
            return False
        for text in encodings:
            self._by_beginning[text[:_BEGINNING]].add(text)
        return True

    def is_issued(self, text: str) -> bool:
        """Whether a text is one of these tokens, and nothing else."""
        return text in self._by_beginning.get(text[:_BEGINNING], ())

    def hidden(self, text: str, instead: str) -> str:
        """Give the text with `instead` in the place of every token."""
        if not self._by_beginning:
            return text
        return _CANDIDATE.sub(lambda found: self._without(found[0], instead), text)

    def _without(self, text: str, instead: str) -> str:
        kept, start, here = [], 0, 0
        while here <= len(text) - _BEGINNING:
            known = self._by_beginning.get(text[here : here + _BEGINNING], ())
            length = max((len(each) for each in known if text.startswith(each, here)), default=0)
            if length:
                kept += [text[start:here], instead]
                start = here + length
            here += length or 1
        return "".join([*kept, text[start:]])


def record_issued_tokens(run_dir: Path, tokens: Iterable[str]) -> None:
    """Pass tokens to the other processes of a run, by a file that only they read."""
    lines = "".join(f"{token.encode().hex()}\n" for token in tokens)
    opened = os.open(_file(run_dir), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(opened, lines.encode())
    finally:
        os.close(opened)


def read_issued_tokens(run_dir: Path) -> tuple[str, ...]:
    """Give every token that a process of the run has recorded."""
    file = _file(run_dir)
    lines = file.read_text(encoding="ascii").splitlines() if file.exists() else []
    return tuple(bytes.fromhex(line).decode() for line in lines)


def _file(run_dir: Path) -> Path:
    return run_dir / "issued-tokens"
