"""Bugs in who sees whose records."""

from tests.foreign.changes import all_of, edit, put
from tests.foreign.fieldwork import database
from tests.foreign.fieldwork.defects.defect import Defect, migrated
from tests.foreign.fieldwork.refusals import forbidden, not_found
from tests.foreign.fieldwork.routes import asking, documents, packages
from tests.foreign.fieldwork.routes.asking import service
from tests.foreign.fieldwork.shown import Row

POLICIES = "002_policies.sql"


def _any_document(connection: database.Connection, document: str) -> Row:
    with service().database.as_service() as server:
        row = server.execute(documents.ONE, [document]).fetchone()
    if row is None:
        raise not_found()
    return row


def _says_whose_it_is(connection: database.Connection, package: str) -> Row:
    row = connection.execute(packages.ONE, [package]).fetchone()
    if row is not None:
        return row
    with service().database.as_service() as server:
        if server.execute(packages.ONE, [package]).fetchone() is not None:
            raise forbidden()
    raise not_found()


DEFECTS = (
    Defect(
        id="download-by-the-server",
        title="An address is signed for whoever knows a document's id",
        source="L5 contributor.info #1362: the server's own role looks the record up",
        expected=("tenancy.matrix",),
        switch_on=put(documents, "to_download", _any_document),
    ),
    Defect(
        id="packages-for-all-users",
        title="The policy of packages is USING (true)",
        source="the platform's own first example of a policy, kept",
        expected=("tenancy.matrix", "tenancy.direct-sql", "tenancy.lists"),
        switch_on=migrated(
            POLICIES,
            "CREATE POLICY read_packages ON proof_packages FOR SELECT TO authenticated\n"
            "    USING (org_id = (SELECT my_org()));",
            "CREATE POLICY read_packages ON proof_packages FOR SELECT TO authenticated\n"
            "    USING (true);",
        ),
    ),
    Defect(
        id="row-security-forgotten",
        title="Row security is not enabled for the table of documents",
        source="P10: no migration enabled row security on the tenant tables",
        expected=("tenancy.row-security", "tenancy.matrix", "tenancy.direct-sql"),
        switch_on=migrated(
            POLICIES,
            "ALTER TABLE documents ENABLE ROW LEVEL SECURITY;\n"
            "ALTER TABLE documents FORCE ROW LEVEL SECURITY;\n",
            "",
        ),
    ),
    Defect(
        id="row-security-not-forced",
        title="The owner of the tables is exempt from row security",
        source="L2 cyoda-go #363",
        expected=("tenancy.row-security",),
        switch_on=migrated(POLICIES, "ALTER TABLE work_orders FORCE ROW LEVEL SECURITY;\n", ""),
    ),
    Defect(
        id="organization-of-the-token",
        title="A claim of the token goes before the profile in the database",
        source="L9: the organization from what the user may change",
        expected=("tenancy.user-metadata",),
        switch_on=migrated(
            POLICIES,
            "AS $$ SELECT p.org_id FROM public.profiles AS p"
            " WHERE p.user_id = (SELECT auth.uid()) $$",
            "AS $$ SELECT COALESCE(\n"
            "    (auth.jwt() -> 'user_metadata' ->> 'organization_id')::uuid,\n"
            "    (auth.jwt() ->> 'organization_id')::uuid, p.org_id\n"
            ") FROM public.profiles AS p WHERE p.user_id = (SELECT auth.uid()) $$",
        ),
    ),
    Defect(
        id="claims-of-the-session",
        title="Role and claims are set for the session, not for the transaction",
        source="L1 spiralclass #59, aurora #259",
        expected=("tenancy.pooled-connections",),
        switch_on=all_of(
            put(database, "BECOME_USER", "SET ROLE authenticated"),
            edit(database, "SET_CLAIMS", "true", "false"),
        ),
    ),
    Defect(
        id="adjuster-may-write",
        title="Roles are looked at in the app, not in the API",
        source="roles checked by hidden buttons",
        expected=("tenancy.viewer",),
        switch_on=all_of(
            put(asking, "WRITERS", ("admin", "technician", "adjuster")),
            migrated(
                POLICIES,
                "IN ('admin', 'technician')",
                "IN ('admin', 'technician', 'adjuster')",
            ),
            migrated(
                "004_packages.sql",
                "NOT IN ('admin', 'technician')",
                "NOT IN ('admin', 'technician', 'adjuster')",
            ),
        ),
    ),
    Defect(
        id="anybody-may-claim",
        title="The functions of workers may be executed by PUBLIC",
        source="P10: PUBLIC could execute the claim",
        expected=("tenancy.privileges",),
        switch_on=all_of(
            migrated(
                "001_tables.sql",
                "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;",
                "",
            ),
            migrated(
                "004_packages.sql",
                "claim_next_package(text, integer), package_alive(uuid, uuid, text, integer),\n"
                "    package_completed(uuid, uuid, text, text, text, text)",
                "package_alive(uuid, uuid, text, integer),\n"
                "    package_completed(uuid, uuid, text, text, text, text)",
            ),
            migrated(
                "004_packages.sql",
                "CREATE FUNCTION package_alive",
                "GRANT EXECUTE ON FUNCTION claim_next_package(text, integer) TO PUBLIC;\n\n"
                "CREATE FUNCTION package_alive",
            ),
        ),
    ),
    Defect(
        id="foreign-package-forbidden",
        title="A foreign package is forbidden, an unknown one not found",
        source="an answer that says what exists",
        expected=("tenancy.matrix",),
        switch_on=put(packages, "one", _says_whose_it_is),
    ),
)
