-- Removes old idempotency keys and workers that died long ago.
WITH forgotten AS (
    DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - make_interval(days => 7)
)
DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - make_interval(days => 1)
