-- Wakes all workers: the one that recovers may have no free place.
SELECT id, state, attempt, pg_notify('exports_queued', '')
FROM recover_stuck_exports(make_interval(secs => %(stuck_timeout_s)s))
