"""Row security is enabled but does not bind the owner of the tables and its functions."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Row security is not forced: it does not bind the owner of the tables",
    source="L2: cyoda-go #363",
    expected=("tenancy.row-security",),
    edits=(
        Edit(
            file="migrations/0003_row_security.sql",
            old="        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', v_table);\n",
            new="",
        ),
    ),
)
