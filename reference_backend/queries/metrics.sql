-- The metrics about exports and workers, in one row.
SELECT
    (SELECT COALESCE(jsonb_object_agg(s.state, s.count), '{}')
     FROM (SELECT state, count(*) FROM exports GROUP BY state) AS s) AS jobs,
    (SELECT COALESCE(GREATEST(EXTRACT(EPOCH FROM clock_timestamp() - min(e.created_at)), 0), 0)::float8
     FROM exports AS e WHERE e.state = 'queued') AS oldest_queued_s,
    (SELECT count(*) FROM exports AS e
     WHERE e.state = 'preparing'
       AND COALESCE(e.heartbeat_at, e.started_at, e.created_at)
           < clock_timestamp() - make_interval(secs => %(stuck_timeout_s)s)) AS stuck,
    (SELECT COALESCE(sum(d.count - 1), 0)::bigint
     FROM (SELECT count(*) FROM audit_logs WHERE event_name = 'export.completed'
           GROUP BY organization_id, target_id HAVING count(*) > 1) AS d) AS duplicate_completions,
    (SELECT COALESCE(jsonb_object_agg(c.name, c.value), '{}') FROM backend_counters AS c) AS counters,
    (SELECT COALESCE(jsonb_object_agg(w.name, GREATEST(EXTRACT(EPOCH FROM clock_timestamp() - w.latest), 0)), '{}')
     FROM (SELECT name, max(heartbeat_at) AS latest FROM workers GROUP BY name) AS w) AS worker_heartbeat_ages_s
