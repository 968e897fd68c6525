"""Is what was downloaded whole, and the same bytes each time?"""

from array import array
from collections.abc import Mapping

from harness.checkers.as_entries import FIXED
from harness.checkers.entry_examples import EntryExample, entry_example, request
from harness.checkers.fold import Checker, Facts, NotLookedAt, Taker
from harness.checkers.violations import Violation
from harness.history.entries import Download, Entry, Judge, Operation

_BITS = 2**63 - 1


class DownloadsIntact(Checker):
    """An export that is ready downloads whole, with the digest that it says and the same bytes."""

    name = "downloads-intact"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._digest: array[int] = facts.column("q")
        """Bits of the first digest of each; 0: none yet."""
        self._seen = 0

    @property
    def takes(self) -> Mapping[type[Entry], Taker]:
        """What was downloaded, by users under load and afterwards."""
        return {Download: self._take, Operation: self._user}

    def _user(self, entry: Operation, number: int) -> None:
        if entry.f == "downloadExport" and entry.type == "ok" and entry.sha256 and number >= 0:
            self._seen += 1
            self._compare(entry.job or "", entry.sha256, number)

    def _take(self, got: Download, number: int) -> None:
        self._seen += 1
        if got.status != 200:
            self.found.append(_broken(got, "no-object", "to download, as it is ready"))
            return
        if not got.may_lack and got.declared != got.sha256:
            self.found.append(
                Violation(
                    rule="digest",
                    subject=got.job,
                    expected=f"export {got.job} to have the sha-256 of its Repr-Digest "
                    f"({got.declared})",
                    got=f"{got.sha256}",
                )
            )
        if got.problem:
            self.found.append(_broken(got, got.problem, "to hold what its manifest says"))
        if got.sha256:
            self._compare(got.job, got.sha256, number)

    def _compare(self, job: str, sha256: str, number: int) -> None:
        try:
            bits = int(sha256[:16], 16) & _BITS or 1
        except ValueError:
            return
        before = self._digest[number]
        if before and before != bits:
            self.found.append(
                Violation(
                    rule="other-bytes",
                    subject=job,
                    expected=f"export {job} to download with the same bytes as before",
                    got=f"others, with the sha-256 {sha256}",
                )
            )
        self._digest[number] = bits

    def violations(self, judge: Judge) -> list[Violation]:  # noqa: ARG002 - every checker's
        """Give each download that is not whole, or not the same as before."""
        if not self._seen:
            raise NotLookedAt("nothing was downloaded")
        return self.found


def _broken(got: Download, rule: str, expected: str) -> Violation:
    return Violation(
        rule=rule,
        subject=got.job,
        expected=f"export {got.job} {expected}",
        got=got.error or f"status {got.status}",
    )


_ONE, _OTHER = "a" * 64, "b" * 64


def _got(sha256: str, declared: str = _ONE, *, problem: str = "", status: int = 200) -> Entry:
    return Download(
        job="e1", status=status, sha256=sha256, declared=declared, problem=problem, **FIXED
    )


_USERS = request("ok", "downloadExport", "e1", sha256=_ONE)

ACCEPTS: tuple[EntryExample, ...] = (
    entry_example("whole, and the same twice", [_got(_ONE), _got(_ONE)]),
    entry_example("the same as under load", [_USERS, _got(_ONE)]),
    entry_example(
        "an address that shows no digest",
        [Download(job="e1", status=200, sha256=_ONE, may_lack=True, **FIXED)],
    ),
)

REJECTS: tuple[EntryExample, ...] = (
    entry_example("nothing there", [_got(_ONE, status=404)], rule="no-object"),
    entry_example("the digest of something else", [_got(_ONE, _OTHER)], rule="digest"),
    entry_example("half a file", [_got(_ONE, problem="no-zip")], rule="no-zip"),
    entry_example(
        "other bytes than under load", [_USERS, _got(_OTHER, _OTHER)], rule="other-bytes"
    ),
)
