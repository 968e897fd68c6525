"""The verifier treats the driver's times as UTC and drops their zone."""

from __future__ import annotations

from datetime import datetime

from reference_backend.defects import Defect, _helpers
from reference_backend.ledger import event


def _utc_text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _patch() -> None:
    _helpers.keep_session_time_zone()
    event.utc_text = _utc_text


DEFECT = Defect(
    title="The verifier reads times in the session's zone: valid hashes fail where that is not UTC",
    source="P6, T1: MailFathom #1989, mlflow #25199",
    expected=("hash.timezone",),
    patch=_patch,
)
