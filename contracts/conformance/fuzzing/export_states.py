"""The states of a scenario's exports, and the statuses that the contract allows in each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.conformance.breach import Breach
from harness.client import LIVE_STATES, TERMINAL_STATES, Answer, Client

ALLOWED, IN_ORDER = "export.allowed-by-state", "export.states-in-order"

# By operation and terminal state; other pairs are not checked.
_OUTCOMES: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "getExport": {"ready": (200,), "failed": (200,), "canceled": (200,)},
    "cancelExport": {"ready": (409,), "failed": (409,), "canceled": (409,)},
    "retryExport": {"ready": (409,), "failed": (202,), "canceled": (409,)},
    "downloadExport": {"ready": (200, 206, 416), "failed": (409,), "canceled": (409,)},
    "getManifest": {"ready": (200,), "failed": (409,), "canceled": (409,)},
}

ASKED_AFTER_END = frozenset({"downloadExport", "getManifest", "verifyManifest", "retryExport"})
"""Operations that wait for the export to end first: until then the answer depends on timing."""


@dataclass(kw_only=True)
class ExportStates:
    """The last known state of every export of a scenario; terminal states must not change."""

    client: Client
    known: dict[str, str] = field(default_factory=dict)

    async def wait_for_end(self, export_id: str) -> str:
        """Wait until an export has ended; return its state, '' for an unknown export."""
        if self.known.get(export_id) in LIVE_STATES:
            export = await self.client.wait_for_export(export_id, states=TERMINAL_STATES)
            self.known[export_id] = str(export["state"])
        return self.known.get(export_id, "")

    def violations(
        self, operation_id: str, export_id: str, answer: Answer, state: str | None
    ) -> list[Breach]:
        """What is wrong with the answer about an export in this state."""
        allowed = _OUTCOMES.get(operation_id, {}).get(state or "")
        if allowed is None or answer.is_a(*allowed):
            return []
        others = {known for other, known in self.known.items() if other != export_id}
        if operation_id == "retryExport" and answer.is_a(409) and LIVE_STATES & others:
            return []  # only one export of a job and type may be live
        what = f"{operation_id} answers {answer.status}, but export {export_id} is {state}"
        return [Breach(rule=ALLOWED, about=str(state), what=what)]

    def record(self, operation_id: str, export_id: str, shown: object) -> list[Breach]:
        """Record the state that an answer shows; give what is wrong if a terminal state changed."""
        state = shown.get("state") if isinstance(shown, dict) else None
        if not isinstance(state, str):
            return []
        before = self.known.get(export_id)
        self.known[export_id] = state
        retried = operation_id == "retryExport" and before == "failed"
        if before in TERMINAL_STATES and state != before and not retried:
            what = f"export {export_id} changed from {before}, which is final, to {state}"
            return [Breach(rule=IN_ORDER, about=f"{before}", what=what)]
        return []
