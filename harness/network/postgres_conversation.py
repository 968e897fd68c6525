"""Reads a connection to PostgreSQL: its statements, who listens, and where a transaction ends.

And cuts one off after its commit, before the answer: it is done, and its client cannot know.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.network.conversation import Passed
from harness.network.postgres_messages import (
    ANSWERED_BY_READY,
    CANCEL_REQUEST,
    Message,
    Messages,
    Startup,
    texts,
)

HELD_BYTES = 1024 * 1024
"""The largest answer that is held back to be cut; a larger one goes on."""
_STATEMENTS = 200
"""How many statements of a transaction, and prepared ones of a connection, are remembered."""
_CHARACTERS = 2000
_LISTEN = re.compile(r"^\s*listen\s", re.IGNORECASE)
_NO_COMMIT = frozenset({"ROLLBACK"})

Statements = Sequence[str]

NONE_LOST = 2**31
"""`AnswerCut.after`, for one that only notes what is committed."""


@dataclass(kw_only=True)
class AnswerCut:
    """Cuts the answers of commits whose transaction holds a statement that is looked for.

    One that met no row (`SELECT 0`: a claim when nothing waits) does not count.
    """

    wanted: Callable[[str], bool]
    times: int = 1
    """How many answers are cut."""
    after: int = 0
    """How many of these commits get their answers first."""
    answered: list[Statements] = field(default_factory=list)
    """The statements that met rows, of each commit that got its answer first."""
    cut: list["LostAnswer"] = field(default_factory=list)

    @property
    def is_armed(self) -> bool:
        """Whether another answer is to be cut."""
        return len(self.cut) < self.times


@dataclass(frozen=True, kw_only=True)
class LostAnswer:
    """A transaction that the server has committed, and whose client got no answer."""

    connection: int
    """The server's process, as it reported to the client (`pg_backend_pid()`)."""
    statements: Statements
    tag: str
    """How the server called what it did last: `COMMIT`, `SELECT 1`."""
    bytes: int
    """The length of the answer."""


@dataclass(kw_only=True)
class PostgresConversation:
    """One connection. Pure: takes bytes, gives bytes.

    A connection that is encrypted, or does not follow the protocol, is passed on unread.
    """

    cuts: Sequence[AnswerCut] = ()
    """Shared by all connections of a proxy; those that are armed hold answers back."""
    is_unread: bool = False
    listens: bool = False
    """Whether LISTEN was called on it."""
    statements: int = 0
    backend_pid: int = 0
    """The server's process, once it has reported it to the client."""
    transaction: deque[str] = field(default_factory=lambda: deque(maxlen=_STATEMENTS))
    """The statements since the last end of a transaction."""
    _startup: Startup = field(default_factory=Startup)
    _asks_encryption: bool = False
    _from_client: Messages = field(default_factory=Messages)
    _from_server: Messages = field(default_factory=Messages)
    _prepared: dict[str, str] = field(default_factory=dict)
    _portals: dict[str, str] = field(default_factory=dict)
    _running: deque[str | None] = field(default_factory=deque)
    """The statements that are not answered yet; None: the end of a round trip."""
    _did: set[str] = field(default_factory=set)
    """The statements of this transaction that met rows."""
    _failed: bool = False
    """Whether an error came since the last ReadyForQuery that was idle."""
    _tag: str = ""
    _held: bytearray = field(default_factory=bytearray)
    _unanswered: int = 0

    def from_client(self, data: bytes) -> Passed:
        """Note the statements; everything goes on as it is."""
        if not self.is_unread:
            try:
                rest = data if self._startup.is_over else self._start(data)
                for message in self._from_client.feed(rest):
                    self._note(message)
            except (ValueError, IndexError):
                self.is_unread = True
        return Passed(data)

    def from_server(self, data: bytes) -> Passed:
        """Pass answers on; hold back what may be cut until its transaction's end is known."""
        if self.is_unread:
            return self._all(data)
        if self._asks_encryption:
            self._asks_encryption = False
            if data[:1] in b"SG":
                self.is_unread = True
                return Passed(data)
            head, data = data[:1], data[1:]
            return Passed(head + self.from_server(data).data) if data else Passed(head)
        passed = bytearray()
        try:
            for message in self._from_server.feed(data):
                out, is_cut = self._answer(message)
                passed += out
                if is_cut:
                    return Passed(bytes(passed), is_cut=True)
        except ValueError:
            self.is_unread = True
            return Passed(bytes(passed) + self._all(self._from_server.rest()).data)
        return Passed(bytes(passed))

    def _all(self, data: bytes) -> Passed:
        held, self._held = bytes(self._held), bytearray()
        return Passed(held + data)

    def _start(self, data: bytes) -> bytes:
        """Read what a connection begins with; give what follows it."""
        for code, _ in self._startup.feed(data):
            if self._startup.is_over:
                self.is_unread = code == CANCEL_REQUEST
            else:
                self._asks_encryption = True
        return self._startup.rest() if self._startup.is_over else b""

    def ended(self) -> None:
        """Nothing of it matters any more."""

    def _note(self, message: Message) -> None:
        kind, body = chr(message.kind), message.body
        if kind == "Q":
            self._ran(texts(body, 1)[0])
        elif kind == "P":
            name, text = texts(body, 2)
            if len(self._prepared) >= _STATEMENTS:
                self._prepared.pop(next(iter(self._prepared)))
            self._prepared[name] = text
        elif kind == "B":
            portal, name = texts(body, 2)
            if len(self._portals) >= _STATEMENTS:
                self._portals.pop(next(iter(self._portals)))
            self._portals[portal] = self._prepared.get(name, "")
        elif kind == "E":
            self._ran(self._portals.get(texts(body, 1)[0], ""))
        if message.kind in ANSWERED_BY_READY:
            self._unanswered += 1
            self._running.append(None)

    def _ran(self, text: str) -> None:
        self.statements += 1
        short = " ".join(text[:_CHARACTERS].split())
        self.transaction.append(short)
        self._running.append(short)
        if _LISTEN.match(text):
            self.listens = True

    def _answer(self, message: Message) -> tuple[bytes, bool]:
        kind, body = chr(message.kind), message.body
        if kind == "K":
            self.backend_pid = int.from_bytes(body[:4], "big")
        elif kind == "E":
            self._failed = True
        elif kind == "C":
            self._completed(texts(body, 1)[0])
        self._held += message.data
        if kind == "Z":
            return self._ready(body)
        if self._armed() is None or len(self._held) > HELD_BYTES:
            return self._all(b"").data, False
        return b"", False

    def _completed(self, tag: str) -> None:
        """Note whether the statement met rows; several in one query count as one."""
        self._tag = tag
        if not self._running or self._running[0] is None:
            return
        if tag.rpartition(" ")[2] != "0":
            self._did.add(self._running[0])
        if len(self._running) > 1 and self._running[1] is not None:
            self._running.popleft()

    def _ready(self, status: bytes) -> tuple[bytes, bool]:
        """A round trip has ended, and with `I` the transaction as well."""
        self._unanswered = max(0, self._unanswered - 1)
        while self._running and self._running.popleft() is not None:
            pass
        cut = self._armed()
        answer = self._all(b"").data
        if status != b"I":
            return answer, False
        committed = not self._failed and self._tag not in _NO_COMMIT
        done, did, tag = tuple(self.transaction), self._did, self._tag
        # What is on its way already belongs to the next transaction.
        if not self._unanswered:
            self.transaction.clear()
        self._failed, self._tag, self._did = False, "", set()
        is_wanted = cut is not None and any(map(cut.wanted, did))
        if cut is not None and is_wanted and committed and not self._unanswered:
            if len(cut.answered) < cut.after:
                cut.answered.append(tuple(each for each in done if each in did))
                return answer, False
            cut.cut.append(
                LostAnswer(connection=self.backend_pid, statements=done, tag=tag, bytes=len(answer))
            )
            return b"", True
        return answer, False

    def _armed(self) -> AnswerCut | None:
        """Give the cut that waits for this transaction's end."""
        for cut in self.cuts:
            if cut.is_armed and any(map(cut.wanted, self.transaction)):
                return cut
        return None
