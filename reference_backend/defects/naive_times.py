"""Times are shown without their zone."""

from datetime import datetime

from reference_backend.api import presentation
from reference_backend.defects import Defect


def _patch() -> None:
    def shown_time(moment: datetime) -> str:
        return moment.replace(tzinfo=None).isoformat(" ")

    presentation.shown_time = shown_time


DEFECT = Defect(
    title="Times carry no time zone: every client guesses its own",
    source="T1: MailFathom #1989, mlflow #25199",
    expected=("golden.upload",),
    patch=_patch,
)
