"""A heartbeat is for all that is claimed in the worker's name."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A heartbeat extends all claims in the worker's name: a restarted worker keeps the exports of the dead one alive for ever",
    source="aegra #547: the worker's name as its identity; lion-reader #917",
    expected=("chaos.same-name",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="""        FROM unnest(p_ids, p_tokens, p_progress) AS claim (id, token, progress)
        JOIN exports AS e ON e.id = claim.id AND e.claim_token = claim.token AND e.state = 'preparing'
        ORDER BY e.id -- one order""",
            new="""        FROM exports AS e
        LEFT JOIN unnest(p_ids, p_tokens, p_progress) AS claim (id, token, progress) ON e.id = claim.id
        WHERE e.claimed_by = p_worker AND e.state = 'preparing'
        ORDER BY e.id -- one order""",
        ),
    ),
)
