"""The hashed time is written in the time zone of the session."""

from reference_backend import database
from reference_backend.defects import Defect, Edit
from reference_backend.settings import Settings


def _patch() -> None:
    clean = database.connection_info

    def connection_info(settings: Settings, *, role: database.Role | None = None) -> str:
        return clean(settings, role=role).replace("-c timezone=UTC", "")

    database.connection_info = connection_info


DEFECT = Defect(
    title="created_at is hashed in the session's TimeZone: another server setting gives another hash",
    source="P6, H3: verify under another TimeZone",
    expected=("hash.timezone",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="to_char(p_event.created_at AT TIME ZONE 'UTC', ",
            new="to_char(p_event.created_at, ",
        ),
    ),
    patch=_patch,
)
