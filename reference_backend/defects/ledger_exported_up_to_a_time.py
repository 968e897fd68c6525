"""The ledger of an export is selected by the time of its head instead of its number, without the organization."""

from collections.abc import Sequence
from dataclasses import replace

from reference_backend import database
from reference_backend.defects import Defect
from reference_backend.ledger.event import LedgerEvent
from reference_backend.worker.inputs import InputReader, Inputs
from reference_backend.worker.running import Claim

_UP_TO = """SELECT a.id, a.organization_id, a.ledger_seq, a.actor_id, a.event_name, a.target_type, a.target_id,
       a.created_at, a.metadata::text AS metadata, a.prev_hash, a.hash, a.salt_key_id, a.canonical_version
FROM audit_logs AS a
WHERE a.created_at <= (SELECT head.created_at FROM audit_logs AS head
                       WHERE head.organization_id = %(organization_id)s AND head.ledger_seq = %(seq)s)
ORDER BY a.created_at"""


def _patch() -> None:
    clean = InputReader.read

    async def read(self: InputReader, claims: Sequence[Claim]) -> list[Inputs]:
        inputs = await clean(self, claims)
        for number, claim in enumerate(claims):
            head = {"organization_id": claim.organization_id, "seq": claim.ledger_head_seq}
            async with database.worker_transaction(self._pool) as connection:
                cursor = await connection.execute(_UP_TO, head)
                lines = [LedgerEvent(**row).as_json() async for row in cursor]
            inputs[number] = replace(inputs[number], ledger_lines=lines)
        return inputs

    InputReader.read = read  # type: ignore[method-assign]


DEFECT = Defect(
    title="Exports contain the ledgers of all organizations up to a time: the worker sees every row",
    source="L5 family: a service role that must filter by itself, and does not",
    expected=("tenancy.lists",),
    patch=_patch,
)
