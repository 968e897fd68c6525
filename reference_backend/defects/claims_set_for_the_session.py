"""`SET` instead of `SET LOCAL`: the next user of the connection starts with these claims."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A request's claims are set for the session and stay on the pooled connection",
    source="L1: spiralclass #59, aurora #259",
    expected=("tenancy.pooled-connections",),
    edits=(
        Edit(
            file="queries/set_identity.sql",
            old="set_config('request.jwt.claims', %(claims)s, true)",
            new="set_config('request.jwt.claims', %(claims)s, false)",
        ),
    ),
)
