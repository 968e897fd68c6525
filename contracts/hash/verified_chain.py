"""Tampering with one event at a time, and asking the backend what it thinks of the chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from contracts.hash.ledger_editor import LedgerEditor
from contracts.hash.tampering import Tampering
from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.ledger.stored_ledger import StoredLedger
from harness.client import Organization, together
from harness.errors import CheckFailed
from harness.expect import expect, expect_status


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What verifyLedgerEvent must say of one event; None is not judged."""

    hash_matches: bool | None
    prev_hash_valid: bool | None
    chain_ok: bool


SOUND = Flags(hash_matches=True, prev_hash_valid=True, chain_ok=True)
AFTER = Flags(hash_matches=True, prev_hash_valid=True, chain_ok=False)
"""Of an event that is right in itself, with something wrong before it."""


class Drill:
    """One organization's chain, which is whole again after every step."""

    def __init__(
        self,
        org: Organization,
        editor: LedgerEditor,
        rows: Sequence[StoredEvent],
        ids: Sequence[str],
    ) -> None:
        self.org = org
        self.editor = editor
        self.rows = rows
        self.ids = ids

    @classmethod
    async def on(cls, org: Organization, editor: LedgerEditor, stored: StoredLedger) -> Self:
        """Take an organization's chain as it is now for what every step goes back to."""
        await editor.keep()
        rows = await stored.expect_valid_chain(org.id)
        beside = await stored.unhashed_columns(org.id)
        return cls(org, editor, rows, [row["id"] for row in beside])

    @property
    def middle(self) -> int:
        """The index of a request, with its filters where the backend records them, amid others."""
        half = len(self.rows) // 2
        requests = (
            at
            for at in range(half, len(self.rows) - 2)
            if self.rows[at].fields["event_name"] == self.org.client.event_word("export.requested")
        )
        return next(requests, half)

    def one_of_each(self) -> list[int]:
        """The index of one event of every name."""
        return list({row.fields["event_name"]: at for at, row in enumerate(self.rows)}.values())

    def find(self, name: str, target_id: str) -> int:
        """The index of the event of this name about this thing; fails when there is none."""
        called = self.org.client.event_word(name)
        for at, row in enumerate(self.rows):
            if (row.fields["event_name"], row.fields["target_id"]) == (called, target_id):
                return at
        raise CheckFailed(expected=f"an event {name} about {target_id}", got="none in the ledger")

    @property
    def last(self) -> int:
        """The index of the last event."""
        return len(self.rows) - 1

    async def tampered(self, at: int, tampering: Tampering) -> None:
        """Change one event: verification must name it, and find what came before it sound."""
        said = {self.last: AFTER}
        if at > 0 and tampering.of_links:
            said[at - 1] = SOUND
        if at < self.last and (tampering.of_links or at + 1 == self.last):
            valid = False if tampering.next_is_cut_off else None
            said[at + 1] = Flags(hash_matches=True, prev_hash_valid=valid, chain_ok=False)
        said[at] = Flags(
            hash_matches=tampering.hash_matches,
            prev_hash_valid=tampering.prev_hash_valid,
            chain_ok=tampering.hash_matches and tampering.prev_hash_valid,
        )
        await self.editor.change(self.rows[at], tampering.changes)
        await self.expect_flags(said, f"{self.rows[at].name} tampered with: {tampering.name}")
        await self.editor.restore(self.org.id)

    async def moved_in_time(self, at: int, interval: str = "1 hour") -> None:
        """Change when an event happened."""
        await self.editor.shift(self.rows[at], interval)
        said = {
            at: Flags(hash_matches=False, prev_hash_valid=True, chain_ok=False),
            self.last: AFTER,
        }
        await self.expect_flags(said, f"{self.rows[at].name} moved by {interval}")
        await self.editor.restore(self.org.id)

    async def removed(self, at: int) -> None:
        """Take an event out of the middle: the one after it has nothing to hold on to."""
        await self.editor.remove(self.rows[at])
        said = {
            at + 1: Flags(hash_matches=True, prev_hash_valid=False, chain_ok=False),
            self.last: AFTER,
        }
        if at > 0:
            said[at - 1] = SOUND
        await self.expect_flags(said, f"{self.rows[at].name} removed")
        await self.editor.restore(self.org.id)

    async def swapped(self, at: int) -> None:
        """Let an event and the next one change places."""
        await self.editor.swap(self.rows[at], self.rows[at + 1])
        wrong = Flags(hash_matches=False, prev_hash_valid=None, chain_ok=False)
        said = {at - 1: SOUND, at: wrong, at + 1: wrong, self.last: AFTER}
        await self.expect_flags(
            said, f"{self.rows[at].name} and {self.rows[at + 1].name} changed places"
        )
        await self.editor.restore(self.org.id)

    async def expect_valid_chain(self) -> None:
        """Fail unless every event is sound."""
        await self.expect_flags(dict.fromkeys(range(len(self.rows)), SOUND), "nothing wrong")

    async def expect_flags(self, said: Mapping[int, Flags], what: str) -> None:
        """Fail unless verification says this of each of these events."""
        await together((self._expect(at, due, what) for at, due in said.items()), at_once=8)

    async def _expect(self, at: int, due: Flags, what: str) -> None:
        path = {"event_id": self.ids[at]}
        answer = expect_status(
            await self.org.client.call("verifyLedgerEvent", path=path), 200, detail=what
        )
        for flag in ("hash_matches", "prev_hash_valid", "chain_ok"):
            wanted = getattr(due, flag)
            expect(
                wanted is None or answer.data[flag] is wanted,
                expected=f"{flag} {str(wanted).lower()} of {self.rows[at].name}, with {what}",
                got=answer.describe(),
            )
