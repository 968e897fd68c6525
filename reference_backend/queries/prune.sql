-- What nobody will ask for again: old idempotency keys, workers that never said goodbye.
WITH forgotten AS (
    DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - make_interval(days => 7)
)
DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - make_interval(days => 1)
