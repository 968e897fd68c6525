"""An exchange as evidence: the command that repeats the request, and the whole answer."""

import json
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from harness.evidence import Evidence, log_evidence
from harness.findings.exchanges import Exchange
from harness.untrusted.sanitizing import sanitize, shorten

MOST_INLINE = 2_000
"""Bytes of a body that stand in the text; a longer one is a file beside it."""

LONGEST_TEXT = 96_000
"""Characters of a text body in a file."""

_LEFT_TO_CURL = frozenset({"content-length", "host", "user-agent", "accept-encoding"})


class EvidenceFiles:
    """Where the longer bodies of a check's evidence go: a bounded number of files."""

    MOST_FILES = 60

    def __init__(self, folder: Path, redact: Callable[[str], str]) -> None:
        self._folder = folder
        self.redact = redact
        self._written = 0

    def add(self, content: bytes, name: str) -> str:
        """Write a body and give its path; an empty text when there are too many already."""
        if self._written >= self.MOST_FILES:
            return ""
        self._written += 1
        path = self._folder / f"{self._written:02}-{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = _as_text(content)
        # Escapes of what could act on a terminal are longer than what they stand for.
        if text is None:
            path.write_bytes(self._without_secrets(content))
        else:
            path.write_text(shorten(self.redact(text), LONGEST_TEXT), encoding="utf-8")
        return str(path)

    def _without_secrets(self, content: bytes) -> bytes:
        """Give bytes as they are, or as text without its secrets where they hold one."""
        text = content.decode("latin-1")
        hidden = self.redact(text)
        return content if hidden == sanitize(text) else hidden.encode()


def as_evidence(exchanges: Iterable[Exchange], files: EvidenceFiles) -> tuple[Evidence, ...]:
    """Give one piece of evidence for each exchange, without secrets.

    Before the last one stands what the instance logged while it answered.
    """
    *earlier, last = (*exchanges,) or (None,)
    if last is None:
        return ()
    shown = [_evidence(exchange, files) for exchange in earlier]
    return (*shown, *_logged(last, files), _evidence(last, files))


def _logged(exchange: Exchange, files: EvidenceFiles) -> tuple[Evidence, ...]:
    """What the instance logged meanwhile, as evidence of its own; nothing for no line."""
    lines = exchange.log.lines() if exchange.log is not None else []
    if not lines:
        return ()
    title = f"log of API instance {exchange.instance + 1} during {exchange.method} {exchange.url}"
    return (log_evidence(files.redact(title), [files.redact(line) for line in lines]),)


def _evidence(exchange: Exchange, files: EvidenceFiles) -> Evidence:
    kept: list[str] = []
    write = _bytes if exchange.raw else _command
    sent = write(exchange, files, kept)
    received = _answer(exchange, files, kept)
    status = exchange.status or "no answer"
    return Evidence(
        kind="bytes" if exchange.raw else "exchange",
        title=files.redact(
            f"{exchange.method} {exchange.url} → {status} (API instance {exchange.instance + 1})"
        ),
        text=f"{files.redact(sent)}\n\n{files.redact(received)}",
        files=tuple(kept),
    )


def _bytes(exchange: Exchange, files: EvidenceFiles, kept: list[str]) -> str:
    """Keep bytes that no client would send in a file; give the line that sends them."""
    head, end, body = exchange.raw.partition(b"\r\n\r\n")
    safe = _AUTHORIZATION.sub(rb"\1Bearer $TOKEN", head)
    name = files.add(safe + end + body, "request.http")
    if not name:
        return f"{exchange.raw_size} bytes, not kept"
    kept.append(name)
    address = urlsplit(exchange.url)
    send = f"nc {address.hostname} {address.port or 80}"
    cut = exchange.raw_size > len(exchange.raw)
    note = f"  # the first {len(exchange.raw)} of {exchange.raw_size} bytes" if cut else ""
    return f'LC_ALL=C sed "s|\\$TOKEN|$TOKEN|" {shlex.quote(name)} | {send}{note}'


_AUTHORIZATION = re.compile(rb"(?im)^(authorization: *)[^\r\n]*")


def _command(exchange: Exchange, files: EvidenceFiles, kept: list[str]) -> str:
    words = ["curl", "-sS", "-i"]
    if exchange.method != "GET":
        words += ["-X", exchange.method]
    parts = [shlex.join(words)]
    for name, value in exchange.headers:
        if name.lower() in _LEFT_TO_CURL:
            continue
        if name.lower() == "authorization":
            # In double quotes, so that the shell puts the token in.
            parts.append('-H "authorization: Bearer $TOKEN"')
        else:
            parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if exchange.body_size:
        parts.append(_body(exchange, files, kept))
    parts.append(shlex.quote(exchange.url))
    return " \\\n  ".join(parts)


def _body(exchange: Exchange, files: EvidenceFiles, kept: list[str]) -> str:
    text = _as_text(exchange.body)
    if text is not None and len(exchange.body) <= MOST_INLINE:
        return f"--data-binary {shlex.quote(text)}"
    path = files.add(exchange.body, "request-body")
    if not path:
        return f"--data-binary @BODY  # {exchange.body_size} bytes, not kept"
    kept.append(path)
    cut = exchange.body_size > len(exchange.body)
    note = f"  # the first {len(exchange.body)} of {exchange.body_size} bytes" if cut else ""
    return f"--data-binary {shlex.quote('@' + path)}{note}"


def _answer(exchange: Exchange, files: EvidenceFiles, kept: list[str]) -> str:
    if exchange.status is None:
        return f"no answer: {exchange.problem}"
    lines = [f"HTTP {exchange.status}"]
    lines += [f"{name}: {value}" for name, value in exchange.answer_headers]
    text = _as_text(exchange.answer)
    if text is not None and len(exchange.answer) <= MOST_INLINE:
        return "\n".join([*lines, "", _pretty(text)])
    path = files.add(exchange.answer, "answer-body")
    kept += [path] if path else []
    place = f"in {path}" if path else "not kept"
    return "\n".join([*lines, "", f"({exchange.answer_size} bytes, {place})"])


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _as_text(content: bytes) -> str | None:
    """Give the text that a body is, None for binary content."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
