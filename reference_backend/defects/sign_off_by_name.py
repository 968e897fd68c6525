"""The end of a worker removes the entry of its name."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A worker that ends removes the entry of its name from the registry: a living process of that name is in no metric",
    source="seen in this backend",
    expected=("chaos.same-name",),
    edits=(
        Edit(
            file="queries/worker_stop.sql",
            old="WHERE name = %(worker)s AND instance = %(instance)s::uuid",
            new="WHERE name = %(worker)s",
        ),
    ),
)
