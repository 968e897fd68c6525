-- Whether a client stands still in the middle of a transaction, or waits for one who does.
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database()
      AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()
      AND (state LIKE 'idle in transaction%' OR wait_event_type = 'Lock')
) AS is_open
