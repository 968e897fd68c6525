"""The last requests of the code that runs now: the evidence of what it finds next."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from harness.findings.log_window import LogWindow

MOST_KEPT = 6
"""Exchanges that a cell, or a check outside its cells, remembers."""

MOST_BYTES = 64 * 1024
"""Of a body; what is longer is cut, and said to be."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request as it went over the wire, in the backend's own words, and its answer."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)
    """The beginning of the body."""
    body_size: int = 0
    instance: int = 0
    """Which API instance, counted from 0."""
    status: int | None = None
    """None where no answer arrived."""
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer: bytes = field(default=b"", repr=False)
    answer_size: int = 0
    problem: str = ""
    """Why no answer arrived."""
    raw: bytes = field(default=b"", repr=False)
    """The beginning of what was sent, head and body as they went over the wire, where a check
    wrote the bytes itself; empty for the request of an ordinary client."""
    raw_size: int = 0
    log: LogWindow | None = None
    """What the instance logged meanwhile; None where its log cannot be read."""


class Recent:
    """A bounded list of exchanges, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque(maxlen=MOST_KEPT)

    def add(self, exchange: Exchange) -> None:
        """Take the newest; the oldest is forgotten when there are too many."""
        self._kept.append(exchange)

    def __contains__(self, exchange: object) -> bool:
        return any(each is exchange for each in self._kept)

    def last(self, number: int) -> tuple[Exchange, ...]:
        """Give the last few, oldest first."""
        return tuple(self._kept)[-number:]


_RECENT: ContextVar[Recent | None] = ContextVar("recent exchanges", default=None)


@contextmanager
def remembering(recent: Recent | None = None) -> Iterator[Recent]:
    """Remember what this code, and tasks that it starts, send from now on; in `recent` if given."""
    recent = recent or Recent()
    token = _RECENT.set(recent)
    try:
        yield recent
    finally:
        _RECENT.reset(token)


def note_exchange(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: object,
    instance: int,
    status: int | None = None,
    answer_headers: Mapping[str, str] | None = None,
    answer: bytes = b"",
    problem: str = "",
    raw: bytes = b"",
    raw_size: int = 0,
    log: LogWindow | None = None,
) -> Exchange | None:
    """Remember a request and its answer, where anybody does; every sender calls it.

    `raw` is what went over the wire, or the beginning of its `raw_size` bytes; `log` begins with
    the request, and ends now.
    """
    recent = _RECENT.get()
    if recent is None:
        return None
    sent = body if isinstance(body, bytes) else b""
    exchange = Exchange(
        method=method,
        url=url,
        headers=tuple(headers.items()),
        body=sent[:MOST_BYTES],
        body_size=len(sent),
        instance=instance,
        status=status,
        answer_headers=tuple((answer_headers or {}).items()),
        answer=answer[:MOST_BYTES],
        answer_size=len(answer),
        problem=problem,
        raw=raw[:MOST_BYTES],
        raw_size=raw_size or len(raw),
        log=log and log.ended(),
    )
    recent.add(exchange)
    return exchange


def recall(exchange: Exchange | None) -> None:
    """Take an earlier exchange for evidence here: a cell judges what another one has asked."""
    recent = _RECENT.get()
    if recent is not None and exchange is not None and exchange not in recent:
        recent.add(exchange)
