"""Only the top level of the metadata is hashed."""

from reference_backend.defects import Defect, Edit
from reference_backend.ledger import canonical
from reference_backend.ledger.canonical import JsonValue


def _flat(document: JsonValue) -> JsonValue:
    if not isinstance(document, dict):
        return document
    return {key: {} if isinstance(value, dict) else value for key, value in document.items()}


def _patch() -> None:
    pretty = canonical.jsonb_pretty

    def of_top_level(value: JsonValue) -> str:
        if isinstance(value, dict) and "metadata" in value:
            value = {**value, "metadata": _flat(value["metadata"])}
        return pretty(value)

    canonical.jsonb_pretty = of_top_level


DEFECT = Defect(
    title="Nested metadata is not hashed: neither database nor verifier notices a change there",
    source="H7, P7: PageSpace #1073",
    expected=("hash.tamper", "hash.database-parity"),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="COALESCE(p_event.metadata, '\"\"')",
            new="""(SELECT COALESCE(jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'object' THEN '{}' ELSE value END),
                                           '{}') FROM jsonb_each(p_event.metadata))""",
        ),
    ),
    patch=_patch,
)
