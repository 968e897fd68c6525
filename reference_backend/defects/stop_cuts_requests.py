"""An instance that gets SIGTERM closes everything at once."""

from reference_backend.api.requests_in_flight import RequestsInFlight
from reference_backend.defects import Defect


async def _drain(self: RequestsInFlight, grace_s: float) -> None:
    self.draining = True


def _patch() -> None:
    RequestsInFlight.drain = _drain  # type: ignore[method-assign]


DEFECT = Defect(
    title="SIGTERM cuts the requests in flight: each deploy breaks the uploads of that moment",
    source="known: servers whose shutdown stops reading bodies first, aiohttp's among them",
    expected=("chaos.api-kill",),
    patch=_patch,
)
