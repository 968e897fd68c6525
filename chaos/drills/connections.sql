-- How many connections clients other than ours have, and how many deadlocks the server has ended since the
-- database was made.
SELECT
    (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) AS deadlocks,
    (
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database()
          AND backend_type = 'client backend'
          AND usename <> ALL (%(ours)s)
    ) AS connections
