"""Heartbeat and completion ask in whose name an export is claimed, not by which claim."""

import os
from collections.abc import Sequence
from dataclasses import replace

from reference_backend import database
from reference_backend.defects import Defect, Edit
from reference_backend.worker import completion
from reference_backend.worker.completion import Completion

_OWNED = """
SELECT id, claim_token FROM exports
WHERE id = ANY (%(ids)s) AND claimed_by = %(worker)s AND state = 'preparing'
"""

_complete = completion.complete


async def _complete_what_is_ours(
    pool: database.Pool, completions: Sequence[Completion]
) -> list[bool]:
    ids = [each.claim.id for each in completions]
    async with database.worker_transaction(pool) as connection:
        found = await connection.execute(_OWNED, {"ids": ids, "worker": os.environ["WORKER_NAME"]})
        tokens = {row["id"]: row["claim_token"] for row in await found.fetchall()}
    ours = [
        replace(
            each,
            claim=replace(
                each.claim, claim_token=tokens.get(each.claim.id, each.claim.claim_token)
            ),
        )
        for each in completions
    ]
    return await _complete(pool, ours)


def _patch() -> None:
    completion.complete = _complete_what_is_ours


DEFECT = Defect(
    title="A claim is fenced by the worker's name, not by its token: a stale attempt completes the second one of the same worker",
    source="aegra #547: the worker's name as its identity",
    expected=("chaos.second-attempt",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""        SELECT e.id, claim.progress
        FROM unnest(p_ids, p_tokens, p_progress) AS claim (id, token, progress)
        JOIN exports AS e ON e.id = claim.id AND e.claim_token = claim.token AND e.state = 'preparing'
        ORDER BY""",
            new="""        SELECT e.id, claim.progress, claim.token
        FROM unnest(p_ids, p_tokens, p_progress) AS claim (id, token, progress)
        JOIN exports AS e ON e.id = claim.id AND e.claimed_by = p_worker AND e.state = 'preparing'
        ORDER BY""",
        ),
        Edit(
            file="migrations/0006_queue.sql",
            old="""    FROM held
    WHERE e.id = held.id
    RETURNING e.claim_token;""",
            new="""    FROM held
    WHERE e.id = held.id
    RETURNING held.token;""",
        ),
    ),
    patch=_patch,
)
