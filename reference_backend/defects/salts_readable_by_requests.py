"""A grant on all tables includes the salts of the ledger."""

from reference_backend.defects import Defect

DEFECT = Defect(
    title="Requests may read the secret salts of the ledger's hashes",
    source="known: GRANT … ON ALL TABLES IN SCHEMA",
    expected=("tenancy.privileges", "tenancy.direct-sql"),
    sql="GRANT SELECT ON ALL TABLES IN SCHEMA public TO authenticated;",
)
