-- Wakes the workers as an insert does: what is released is free for others at once, not at their next poll.
SELECT id, pg_notify('exports_queued', '') FROM release_exports(%(ids)s::uuid[], %(tokens)s::uuid[]) AS id
