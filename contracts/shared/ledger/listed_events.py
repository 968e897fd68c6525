"""An organization's events as a check reads them: over HTTP, else from the rows of the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from harness.client import Client, Record
from harness.findings.exchanges import Exchange, recall


@dataclass(frozen=True, kw_only=True)
class ListedEvents:
    """The events, oldest first, and where they are from."""

    events: list[Record]
    are_rows: bool
    """Whether they are the rows themselves."""
    exchange: Exchange | None = None
    """The request that listed them, where it is remembered."""

    @classmethod
    async def of(cls, client: Client) -> Self:
        """Read them. `Inconclusive` where neither API nor database shows them."""
        if not client.has("listLedgerEvents"):
            return cls(events=await client.ledger_events(), are_rows=True)
        asked = await client.call("listLedgerEvents")
        events = await client.ledger_events()
        return cls(events=events, are_rows=False, exchange=asked.exchange)

    @property
    def where(self) -> Mapping[str, str]:
        """The coordinates of a cell that judges them."""
        return {"table": "the ledger"} if self.are_rows else {"operation": "listLedgerEvents"}

    def recall(self) -> None:
        """Let the finding of a cell show the request that listed them."""
        recall(self.exchange)
