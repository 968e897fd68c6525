"""The hashed time is written in the time zone of the session."""

from __future__ import annotations

from reference_backend.defects import Defect, Edit, _helpers

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
    patch=_helpers.keep_session_time_zone,
)
