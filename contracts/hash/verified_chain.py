"""One organization's chain: tampering with an event, and what verifyLedgerEvent must answer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Self

from contracts.hash.ledger_editor import LedgerEditor
from contracts.hash.tampering import Tampering
from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.flags import expect_flags
from contracts.shared.resources.rule_ids import CHAIN_VALID, EVENT_WRITTEN
from harness.client import Answer, Organization, together
from harness.errors import CheckFailed
from harness.expect import showing
from harness.findings.preconditions import precondition


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What verifyLedgerEvent must answer about one event; None is not judged."""

    hash_matches: bool | None = True
    prev_hash_valid: bool | None = True
    chain_ok: bool = False


VALID = Flags(chain_ok=True)
AFTER = Flags()
"""Of a valid event with a tampered one before it."""


@dataclass(frozen=True, kw_only=True)
class VerifiedChain:
    """One organization's chain, valid again after every method, also one that fails."""

    org: Organization
    editor: LedgerEditor
    rows: Sequence[StoredEvent]
    ids: Sequence[str]
    """The id of each row."""

    @classmethod
    async def of(cls, org: Organization, editor: LedgerEditor, stored: StoredLedger) -> Self:
        """Save an organization's chain as it is now."""
        await editor.save()
        with precondition(CHAIN_VALID):
            rows = await stored.expect_valid_chain(org.id)
        ids = [row["id"] for row in await stored.unhashed_columns(org.id)]
        return cls(org=org, editor=editor, rows=rows, ids=ids)

    @property
    def middle(self) -> int:
        """The index of an `export.requested` event in the second half, if there is one.

        Where a backend records the filters of an export, its metadata are nested.
        """
        half = len(self.rows) // 2
        name = self.org.client.event_word("export.requested")
        indexes = range(half, len(self.rows) - 2)
        return next((at for at in indexes if self.rows[at].fields["event_name"] == name), half)

    @property
    def last(self) -> int:
        """The index of the last event."""
        return len(self.rows) - 1

    def one_of_each(self) -> dict[str, int]:
        """The index of one event of every name: of those with the longest metadata, the last."""
        chosen: dict[str, int] = {}
        for at, row in enumerate(self.rows):
            name = row.fields["event_name"] or ""
            before = self.rows[chosen.get(name, at)].metadata or ""
            if len(row.metadata or "") >= len(before):
                chosen[name] = at
        return chosen

    def find(self, name: str, target_id: str) -> int:
        """The index of the event with this name and target; fails when there is none."""
        wanted = (self.org.client.event_word(name), target_id)
        for at, row in enumerate(self.rows):
            if (row.fields["event_name"], row.fields["target_id"]) == wanted:
                return at
        raise CheckFailed(
            expected=f"an event {name!r} about {target_id!r}",
            got="none in the ledger",
            rule=EVENT_WRITTEN,
            subject=name,
        )

    @asynccontextmanager
    async def restored(self) -> AsyncIterator[None]:
        """Restore the chain at the end of the block, however it ends."""
        try:
            yield
        finally:
            await self.editor.restore(self.org.id)

    async def expect_detected(self, at: int, tampering: Tampering) -> None:
        """Change one event: verification must name it, and find the events before it valid."""
        flags = {self.last: AFTER}
        if at > 0 and tampering.changes_links:
            flags[at - 1] = VALID
        if at < self.last and (tampering.changes_links or at + 1 == self.last):
            flags[at + 1] = Flags(prev_hash_valid=False if tampering.breaks_next_link else None)
        flags[at] = Flags(
            hash_matches=tampering.hash_matches,
            prev_hash_valid=tampering.prev_hash_valid,
            chain_ok=tampering.hash_matches and tampering.prev_hash_valid,
        )
        async with self.restored():
            with showing(await self.editor.change(self.rows[at], tampering.changes)):
                detail = f"{self.rows[at].name} is changed: {tampering.name}"
                await self.expect_flags(flags, "one is changed", detail)

    async def expect_move_detected(self, at: int, interval: str = "1 hour") -> None:
        """Change the time of an event."""
        async with self.restored():
            flags = {at: Flags(hash_matches=False), self.last: AFTER}
            with showing(await self.editor.shift(self.rows[at], interval)):
                detail = f"{self.rows[at].name} is moved by {interval}"
                await self.expect_flags(flags, "one is moved in time", detail)

    async def expect_removal_detected(self, at: int) -> None:
        """Remove an event: the link of the next one is broken."""
        async with self.restored():
            flags = {at + 1: Flags(prev_hash_valid=False), self.last: AFTER}
            if at > 0:
                flags[at - 1] = VALID
            with showing(await self.editor.remove(self.rows[at])):
                detail = f"{self.rows[at].name} is removed"
                await self.expect_flags(flags, "one is removed", detail)

    async def expect_swap_detected(self, at: int) -> None:
        """Exchange an event and the next one."""
        one, other = self.rows[at : at + 2]
        async with self.restored():
            # Where the place is not hashed, only the links can tell.
            hashed = one.form.covers(self.editor.ledger.place_column)
            swapped = (
                Flags(hash_matches=False, prev_hash_valid=None)
                if hashed
                else Flags(hash_matches=None, prev_hash_valid=False)
            )
            flags = {at - 1: VALID, at: swapped, at + 1: swapped, self.last: AFTER}
            with showing(await self.editor.swap(one, other)):
                detail = f"{one.name} and {other.name} are exchanged"
                await self.expect_flags(flags, "two are exchanged", detail)

    async def expect_valid(self) -> None:
        """Fail unless verification finds every event valid."""
        await self.expect_flags(dict.fromkeys(range(len(self.rows)), VALID), "nothing is changed")

    async def expect_flags(self, flags: Mapping[int, Flags], when: str, detail: str = "") -> None:
        """Fail unless verifyLedgerEvent answers with these flags, by the index of the event.

        `when` is the same in every run; `detail` says which events are meant.
        """
        answers = await together((self._verify(at) for at in flags), at_once=8)
        for at, answer in zip(flags, answers, strict=True):
            about = f"{self.rows[at].name}, while {detail or when}"
            expect_flags(
                answer, asdict(flags[at]), f"{self._place(at)}, while {when}", detail=about
            )

    async def _verify(self, at: int) -> Answer:
        path = {"event_id": self.ids[at]}
        return await self.org.client.call("verifyLedgerEvent", path=path)

    def _place(self, at: int) -> str:
        return "the last event" if at == self.last else "an event"
