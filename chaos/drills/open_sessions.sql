-- The transactions that clients other than ours have open now, with how long they have stood as they do.
--
-- A session that waits for its client in a transaction is `idle in transaction`; one that has read something
-- and not ended holds a backend_xmin: nothing that was deleted since can be cleaned away.
SELECT
    pid,
    usename AS "user",
    state,
    backend_xmin IS NOT NULL AS has_snapshot,
    xact_start,
    extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_s,
    extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_s,
    left(query, 200) AS query
FROM pg_stat_activity
WHERE datname = current_database()
  AND backend_type = 'client backend'
  AND usename <> ALL (%(ours)s)
  AND xact_start IS NOT NULL
ORDER BY xact_start, pid
