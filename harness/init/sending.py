"""Where the members of a request go: in the body, in the form, in the query."""

from collections.abc import Iterator, Mapping

from harness.init.fields import match_fields
from harness.init.guess import Guess
from harness.init.lexicon import Lexicon
from harness.init.operations import OperationMatch
from harness.init.routes import Route

MEMBERS: Mapping[str, str] = {
    "createJob": "new_job",
    "uploadEvidence": "upload",
    "requestExport": "new_export",
    "verifyManifest": "verification_request",
    "listLedgerEvents": "ledger_query",
}
"""By operation: the table of the lexicon that has what is sent."""


def guess_sending(lexicon: Lexicon, one: OperationMatch, ours: Route) -> Iterator[Guess]:
    """Say where the contract's members of a request go in this one."""
    members = MEMBERS.get(one.name)
    if members is None:
        return
    in_query = one.name == "listLedgerEvents"
    places = one.route.query if in_query else one.route.body
    in_path = {name for name in ("job_id", "export_type") if f"{{{name}}}" in one.path}
    plain = {each.name for each in (*ours.body, *ours.query)}
    for match in match_fields(lexicon, members, places).found:
        if match.field in in_path:
            continue
        if in_query:
            value = f"?{match.place.name}"
        else:
            value = match.place.pointer.removeprefix("/") if one.route.form else match.place.pointer
        if match.field in plain and match.place.name == match.field:
            continue  # as in the contract
        yield Guess(
            table=("contract", "operations", one.name),
            key=("send", match.field),
            value=value,
            certainty=min(match.certainty, one.certainty),
            why=match.why,
        )
