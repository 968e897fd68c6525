"""The NOTIFY of the insert is thought to be the only one that is needed."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="What a draining worker gives back wakes nobody: at each deploy it waits for the next poll",
    source="seen in this backend",
    expected=("chaos.wake-up-returned",),
    edits=(
        Edit(
            file="queries/release.sql",
            old="SELECT id, pg_notify('exports_queued', '') FROM",
            new="SELECT id FROM",
        ),
    ),
)
