"""Pieces of the queue's SQL that several defects replace."""

CLAIM_CANDIDATES = """                SELECT e.id, e.created_at FROM exports AS e
                WHERE e.organization_id = lane.organization_id AND e.state = 'queued'
                ORDER BY e.created_at, e.id
                LIMIT GREATEST(LEAST(p_limit, p_max_per_org - progress.taken), 0)
                FOR UPDATE SKIP LOCKED"""
"""How the claim function chooses the exports of one organization."""

RECOVERY_SETS = "            SET claim_token   = NULL,\n                heartbeat_at  = NULL,"
"""How recovery takes an export from its worker."""
