"""Do all instances show what was acknowledged, to its own organization and to no other?"""

from collections.abc import Mapping

from harness.checkers.entry_examples import EntryExample, entry_example, request
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker
from harness.checkers.violations import Violation
from harness.history.entries import Entry, Judge, Operation

_GONE = frozenset({404, 410})


class ReadYourWrites(Checker):
    """What was acknowledged to an organization is there for its later requests, on any instance.

    Entries stand in the file in the order in which they were written: an acknowledgment that stands
    before the beginning of a request was received before it was sent.
    """

    name = "read-your-writes"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._known = facts.column("B")
        self._asking: dict[tuple[str, str], int] = {}
        """What each process is asking for that it must find, by number."""
        self._looked = 0

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every request."""
        return {Operation: self._take}

    def _take(self, entry: Operation, number: int) -> None:
        asker = (entry.writer, entry.process)
        if entry.type == "invoke":
            self._asking.pop(asker, None)
            owner = self.facts.organizations.get(entry.org or "", 0)
            if number >= 0 and self._known[number] and self.facts.owner[number] == owner:
                self._asking[asker] = number
            return
        if number < 0:
            return
        asked = self._asking.pop(asker, -1)
        if entry.type == "ok":
            self._known[number] = 1
        if asked != number:
            return
        self._looked += 1
        if entry.status in _GONE:
            self.found.append(
                Violation(
                    rule="not-read-back",
                    subject=entry.job or "",
                    expected=f"{entry.job} to be there for {entry.f}: it was acknowledged before",
                    got=f"{entry.status} of {entry.instance or 'an instance'}",
                )
            )

    def violations(self, judge: Judge) -> list[Violation]:  # noqa: ARG002 - every checker's
        """Give each request that did not find what had been acknowledged."""
        if not self._looked:
            raise NotLookedAt("nothing was asked for after it was acknowledged")
        return self.found


class TenantsApart(Checker):
    """No organization ever gets a right answer about what another one has made."""

    name = "tenants-apart"

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """Every request."""
        return {Operation: self._take}

    def _take(self, entry: Operation, number: int) -> None:
        if number < 0 or entry.org is None or entry.type != "ok":
            return
        numbers = self.facts.organizations
        asking = numbers.setdefault(entry.org, len(numbers) + 1)
        if self.facts.owner[number] != asking:
            self.found.append(
                Violation(
                    rule="seen-by-other",
                    subject=entry.job or "",
                    expected=f"{entry.job} to look unknown to organization {entry.org}, which did "
                    "not make it",
                    got=f"a right answer to {entry.f} of {entry.process}",
                )
            )

    def violations(self, judge: Judge) -> list[Violation]:  # noqa: ARG002 - every checker's
        """Give each answer that reached another organization."""
        if len(self.facts.organizations) < 2:
            raise NotLookedAt("fewer than two organizations got answers")
        return self.found


_MADE = request("ok", "requestExport", "e1")
_ASKED = request("invoke", "getExport", "e1", process="user-2")
_GOT = request("ok", "getExport", "e1", process="user-2", status=200)
_MISSED = request("fail", "getExport", "e1", process="user-2", status=404)

READ_ACCEPTS: tuple[EntryExample, ...] = (
    entry_example("it is there", [_MADE, _ASKED, _GOT]),
    entry_example("asked for before it was acknowledged", [_ASKED, _MADE, _MISSED, _ASKED, _GOT]),
    entry_example(
        "another organization rightly misses it",
        [
            _MADE,
            request("invoke", "getExport", "e1", org="o2"),
            request("fail", "getExport", "e1", org="o2", status=404),
            _ASKED,
            _GOT,
        ],
    ),
    entry_example(
        "an instance that was down says nothing",
        [_MADE, _ASKED, request("info", "getExport", "e1", process="user-2", status=503)],
    ),
)

READ_REJECTS: tuple[EntryExample, ...] = (
    entry_example("not there", [_MADE, _ASKED, _MISSED], rule="not-read-back"),
    entry_example(
        "there and then not", [_MADE, _ASKED, _GOT, _ASKED, _MISSED], rule="not-read-back"
    ),
)

_FOREIGN = request("ok", "getExport", "e1", org="o2", process="user-2")

APART_ACCEPTS: tuple[EntryExample, ...] = (
    entry_example("each its own", [_MADE, request("ok", "requestExport", "e2", org="o2"), _GOT]),
    entry_example(
        "a foreign one looks unknown",
        [
            _MADE,
            request("ok", "createJob", "j", org="o2"),
            request("fail", "getExport", "e1", org="o2", status=404),
        ],
    ),
)

APART_REJECTS: tuple[EntryExample, ...] = (
    entry_example("shown to another", [_MADE, _FOREIGN], rule="seen-by-other"),
    entry_example(
        "shown to another during a fault",
        [_MADE, request("ok", "requestExport", "e2", org="o2"), _GOT, _FOREIGN],
        rule="seen-by-other",
    ),
)
