"""What a walk knows of its exports, and what the contract lets each request about one come to."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.client import LIVE_STATES, TERMINAL_STATES, Client
from harness.client.client import EXPORT_DEADLINE_S, POLL_INTERVAL_S
from harness.errors import CheckFailed
from harness.expect import expect_status

# By operation and terminal state; whatever is not listed is free.
_OUTCOMES: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("getExport", "ready"): (200,),
    ("getExport", "failed"): (200,),
    ("getExport", "canceled"): (200,),
    ("cancelExport", "ready"): (409,),
    ("cancelExport", "failed"): (409,),
    ("cancelExport", "canceled"): (409,),
    ("retryExport", "ready"): (409,),
    ("retryExport", "failed"): (202,),
    ("retryExport", "canceled"): (409,),
    ("downloadExport", "ready"): (200, 206, 416),
    ("downloadExport", "failed"): (409,),
    ("downloadExport", "canceled"): (409,),
    ("getManifest", "ready"): (200,),
    ("getManifest", "failed"): (409,),
    ("getManifest", "canceled"): (409,),
}

ASKED_AFTER_END = frozenset({"downloadExport", "getManifest", "verifyManifest", "retryExport"})
"""What is asked only of an export that has come to its end: before, the answer is chance."""


@dataclass(kw_only=True)
class ExportStates:
    """The last state of every export that a walk has seen; a terminal one is there to stay."""

    client: Client
    known: dict[str, str] = field(default_factory=dict)

    async def wait_for_end(self, export_id: str) -> str:
        """Follow an export to its end and give the state it ended in, '' for an unknown one."""
        if export_id not in self.known:
            return ""  # not one of ours to wait for
        until = time.monotonic() + EXPORT_DEADLINE_S
        while (state := self.known[export_id]) in LIVE_STATES:
            if time.monotonic() > until:
                raise CheckFailed(
                    expected=f"export {export_id} to end within {EXPORT_DEADLINE_S:g} s",
                    got=f"it is still {state}",
                )
            shown = await self.client.call("getExport", path={"export_id": export_id})
            self.known[export_id] = str(expect_status(shown, 200).data["state"])
            if self.known[export_id] in LIVE_STATES:
                await asyncio.sleep(POLL_INTERVAL_S)
        return state

    def violations(
        self, operation_id: str, export_id: str, status: int, state: str | None
    ) -> list[str]:
        """What is wrong with an answer about an export that was in this state."""
        allowed = _OUTCOMES.get((operation_id, state or ""))
        if allowed is None or status in allowed:
            return []
        others = (known for other, known in self.known.items() if other != export_id)
        if operation_id == "retryExport" and status == 409 and LIVE_STATES & {*others}:
            return []  # only one export of a job and type may be live
        return [f"the export {export_id} is {state}, and {operation_id} answers {status}"]

    def record(self, operation_id: str, export_id: str, shown: object) -> list[str]:
        """Note the state that an answer shows; a terminal one that changed is a fault."""
        state = shown.get("state") if isinstance(shown, dict) else None
        if not isinstance(state, str):
            return []
        before = self.known.get(export_id)
        self.known[export_id] = state
        retried = operation_id == "retryExport" and before == "failed"
        if before in TERMINAL_STATES and state != before and not retried:
            return [f"the export {export_id} was {before} and is {state}: terminal states stay"]
        return []
