"""What became of the things that a walk made on a backend that others use too."""

from harness.client.run_mark import Leftovers
from harness.doctor.step import Step

NAME = "clean up"
_NO_CALL = "the target file has no [cleanup]"
_CALLS = {
    "job": 'job = { method = "DELETE", path = "/…/{job_id}" }',
    "evidence": 'evidence = { method = "DELETE", path = "/…/{evidence_id}" }',
    "export": 'export = { method = "DELETE", path = "/…/{export_id}" }',
    "organization": 'organization = { method = "DELETE", path = "/…/{organization_id}" }',
}


def of_leftovers(left: Leftovers) -> Step:
    """Say what was removed, and what to write where the target file has no call for it."""
    seen = f"{left.removed} of {left.made} things removed"
    if not left.left:
        return Step(name=NAME, how="holds", seen=seen)
    kinds = dict.fromkeys(each.partition(" ")[0] for each in left.left if _NO_CALL in each)
    refused = [each for each in left.left if _NO_CALL not in each]
    lines = [_CALLS[kind] for kind in kinds]
    return Step(
        name=NAME,
        how="does not hold" if refused else "not looked at",
        seen=f"{seen}; left: {'; '.join(refused or left.left)}",
        hint="where the API has a way to remove them, say it; else created.jsonl lists them for "
        "removing by hand"
        if lines
        else "",
        lines=("[cleanup]", *lines) if lines else (),
    )
