"""Contradictions of `[contract]`: names that the contract does not have, places that clash."""

import difflib
import re
from collections.abc import Iterator

from harness.target.lines import KeyPath
from harness.target.target import Target
from harness.vocabulary.exports import LEDGER_FILE, MANIFEST_FILE
from harness.vocabulary.resources import RESOURCES

_PARAMETER = re.compile(r"\{([^}/]+)\}")
_PARAMETERS = frozenset({"job_id", "evidence_id", "export_id", "event_id", "export_type"})


def broken_dialect_rules(target: Target) -> Iterator[tuple[KeyPath, str]]:
    """Find every contradiction in `[contract]`: where it stands, and what was expected instead."""
    contract = target.contract
    for number, name in enumerate(contract.absent):
        resource, dot, field = name.partition(".")
        if dot and (resource not in RESOURCES or not field):
            near = difflib.get_close_matches(resource, RESOURCES, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            expected = f"expected resource.field with one of {', '.join(RESOURCES)}"
            yield ("contract", "absent", number), f"{expected}, got {name!r}{hint}"
        if not dot and name in contract.operations:
            yield (
                ("contract", "operations", name),
                f"{name} is declared absent as well; it is one or the other",
            )
    if contract.archive.manifest == contract.archive.ledger:
        yield ("contract", "archive"), "expected two names, one for each of manifest and ledger"
    for key, other in (("manifest", LEDGER_FILE), ("ledger", MANIFEST_FILE)):
        if getattr(contract.archive, key) == other:
            yield ("contract", "archive", key), f"{other!r} is the contract's name of another file"
    for name, operation in contract.operations.items():
        if operation.path is None:
            continue
        if not contract.openapi.endswith("contracts/openapi.yaml"):
            continue  # a document of the team's own has parameters of its own
        for parameter in _PARAMETER.findall(operation.path):
            if parameter not in _PARAMETERS:
                yield (
                    ("contract", "operations", name, "path"),
                    f"{{{parameter}}} is no parameter of the contract; expected one of "
                    + ", ".join(f"{{{each}}}" for each in sorted(_PARAMETERS)),
                )
