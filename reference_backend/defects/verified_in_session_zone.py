"""The verifier treats the driver's times as UTC and drops their zone."""

from datetime import datetime

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.ledger import event
from reference_backend.settings import Settings


def _utc_text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _patch() -> None:
    clean = database.connection_info

    def connection_info(settings: Settings, *, role: database.Role | None = None) -> str:
        return clean(settings, role=role).replace("-c timezone=UTC", "")

    database.connection_info = connection_info
    event.utc_text = _utc_text


DEFECT = Defect(
    title="The verifier reads times in the session's zone: valid hashes fail where that is not UTC",
    source="P6, T1: MailFathom #1989, mlflow #25199",
    expected=("hash.timezone",),
    patch=_patch,
)
