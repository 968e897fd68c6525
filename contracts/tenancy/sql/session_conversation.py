"""Reads a session's settings after each of its transactions, in the session itself.

No other session can see the settings of a session. So the backend connects through a proxy that
reads along. Whenever the server reports that a connection is idle, it asks in the same session for
its settings, and only then passes the server's message on. The backend sees only a small delay.
"""

import re
import struct
from dataclasses import dataclass, field

from contracts.tenancy.sql.request_sql import CLAIMS
from harness.network.conversation import Passed
from harness.network.postgres_messages import (
    ANSWERED_BY_READY,
    CANCEL_REQUEST,
    GSS_REQUEST,
    SSL_REQUEST,
    Message,
    Messages,
    Startup,
    message,
)
from harness.waiting import becomes_true

OURS = b"shakedown\0"
"""The name of the proxy's own statement and portal; the unnamed ones are the client's."""

SETS = re.compile(
    r"""set_config\s*\(\s*'([a-z_]\w*(?:\.\w+)+)'|\bset\s+(?:local\s+|session\s+)?([a-z_]\w*(?:\.\w+)+)""",
    re.IGNORECASE,
)
"""Statements that set an application's own settings."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A setting that had a value while its connection was idle."""

    connection: int
    setting: str
    value: str
    after: str
    """The last statement before."""


@dataclass(kw_only=True)
class SessionLog:
    """What the proxy saw of all connections so far."""

    connections: int = 0
    looks: int = 0
    """How often an idle connection was inspected."""
    leftovers: list[Leftover] = field(default_factory=list)
    in_transaction: dict[int, str] = field(default_factory=dict)
    """Connections with an open transaction now, with their last statement."""
    settings: set[str] = field(default_factory=lambda: {CLAIMS})
    """The settings to read: the claims, and all that statements have set."""
    trouble: list[str] = field(default_factory=list)
    """Errors of inspections."""

    async def transactions_left(self, *, within_s: float) -> dict[int, str]:
        """Wait until no connection has an open transaction; return those that still have one."""
        await becomes_true(lambda: not self.in_transaction, within_s, poll_s=0.02)
        return dict(self.in_transaction)


class SessionConversation:
    """One connection of the backend. Does no I/O: takes bytes, gives bytes."""

    listens = False
    """It is not noted here."""

    def __init__(self, seen: SessionLog) -> None:
        self._seen = seen
        self._number = 0
        self._startup = Startup()
        self._from_client, self._from_server = Messages(), Messages()
        self._unanswered = 0
        """Messages of the client that the server has not answered with ReadyForQuery yet."""
        self._open_ended = False
        """Whether the client has sent messages that are not ended by a Sync yet."""
        self._last = ""
        self._is_unread = False
        """Whether everything is passed on as it is: a request to cancel, or another protocol."""
        self._inspection: _Inspection | None = None

    def from_client(self, data: bytes) -> Passed:
        """Pass whole messages on, or hold them back while the session is inspected."""
        if self._is_unread:
            return Passed(data)
        try:
            return self._read_client(data)
        except ValueError as error:
            return self._give_up(data, error)

    def from_server(self, data: bytes) -> Passed:
        """Pass messages on; begin an inspection where the session is idle, or read its answer."""
        if self._is_unread:
            return Passed(data)
        try:
            return self._read_server(data)
        except ValueError as error:
            return self._give_up(data, error)

    def _give_up(self, data: bytes, error: ValueError) -> Passed:
        """Pass everything on unread: it is not PostgreSQL's protocol."""
        self._is_unread = True
        self._seen.trouble.append(f"not PostgreSQL's protocol: {error}")
        return Passed(data)

    def _read_client(self, data: bytes) -> Passed:
        passed, back = b"", b""
        if not self._startup.is_over:
            for code, begin in self._startup.feed(data):
                if code in {SSL_REQUEST, GSS_REQUEST}:
                    back += b"N"  # as the server does
                else:
                    passed += begin
                    self._begin(code)
            data = self._startup.rest()
        for each in self._from_client.feed(data):
            if self._inspection is not None:
                self._inspection.waiting.append(each)
            else:
                self._note(each)
                passed += each.data
        return Passed(passed, back=back)

    def _read_server(self, data: bytes) -> Passed:
        passed, back = b"", b""
        for each in self._from_server.feed(data):
            if self._inspection is not None:
                more, released = self._inspected(each, self._inspection)
                passed, back = passed + more, back + released
            elif each.kind == ord("Z") and self._is_idle(each):
                self._inspection = _Inspection(ready=each.data, names=sorted(self._seen.settings))
                back += self._inspection.question
            else:
                passed += each.data
        return Passed(passed, back=back)

    def ended(self) -> None:
        """Forget the connection's transaction: it has ended with it."""
        self._seen.in_transaction.pop(self._number, None)

    def _begin(self, code: int) -> None:
        self._is_unread = code == CANCEL_REQUEST
        if not self._is_unread:
            self._seen.connections += 1
            self._number = self._seen.connections

    def _note(self, each: Message) -> None:
        if each.kind in ANSWERED_BY_READY:
            self._unanswered += 1
            self._open_ended = False
        else:
            self._open_ended = each.kind != ord("p")  # a password ends and begins nothing
        if each.kind in b"QP":
            text = each.body.decode("utf-8", "replace").strip("\0")
            self._last = " ".join(text.replace("\0", " ").split())[:200]
            for match in SETS.finditer(text):
                self._seen.settings.add((match[1] or match[2]).lower())

    def _is_idle(self, ready: Message) -> bool:
        """Note that a round trip has ended; say whether the session is idle and asked nothing."""
        self._unanswered = max(0, self._unanswered - 1)
        if ready.body != b"I":
            self._seen.in_transaction[self._number] = self._last
            return False
        self._seen.in_transaction.pop(self._number, None)
        return not self._unanswered and not self._open_ended

    def _inspected(self, each: Message, inspection: "_Inspection") -> tuple[bytes, bytes]:
        """Take a part of the answer; give what goes to the client, and to the server."""
        if each.kind == ord("D"):
            inspection.values = _texts(each.body)
        elif each.kind == ord("E"):
            self._seen.trouble.append(each.body.decode("utf-8", "replace"))
        elif each.kind in b"NAS":  # asynchronous messages are for the client
            return each.data, b""
        if each.kind != ord("Z"):
            return b"", b""
        self._inspection = None
        self._learn(inspection)
        for waiting in inspection.waiting:
            self._note(waiting)
        return inspection.ready, b"".join(waiting.data for waiting in inspection.waiting)

    def _learn(self, inspection: "_Inspection") -> None:
        if inspection.values:
            self._seen.looks += 1
        for name, value in zip(inspection.names, inspection.values, strict=False):
            if value:
                self._seen.leftovers.append(
                    Leftover(connection=self._number, setting=name, value=value, after=self._last)
                )


@dataclass(kw_only=True)
class _Inspection:
    """A question that is not answered yet."""

    ready: bytes
    """The server's message that the client waits for."""
    names: list[str]
    values: list[str | None] = field(default_factory=list)
    waiting: list[Message] = field(default_factory=list)
    """What the client has sent meanwhile."""

    @property
    def question(self) -> bytes:
        """Parse, Bind, Execute, Close both, Sync, with names that the client does not use."""
        asked = ", ".join(f"pg_catalog.current_setting('{name}', true)" for name in self.names)
        query = f"SELECT {asked}".encode() + b"\0"
        none = struct.pack("!h", 0)
        return b"".join(
            [
                message(b"P", OURS + query + none),
                message(b"B", OURS + OURS + none + none + none),
                message(b"E", OURS + struct.pack("!i", 0)),
                message(b"C", b"P" + OURS),
                message(b"C", b"S" + OURS),
                message(b"S", b""),
            ]
        )


def _texts(row: bytes) -> list[str | None]:
    """The columns of a DataRow with values in text format."""
    (count,) = struct.unpack("!h", row[:2])
    values: list[str | None] = []
    at = 2
    for _ in range(count):
        (length,) = struct.unpack("!i", row[at : at + 4])
        at += 4
        values.append(None if length < 0 else row[at : at + length].decode("utf-8", "replace"))
        at += max(length, 0)
    return values
