-- The claim that everybody writes first: look, then take.
CREATE OR REPLACE FUNCTION grab_tasks(p_max int, p_share int) RETURNS SETOF tasks LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT t.task FROM tasks AS t WHERE t.status = 'todo' ORDER BY t.task LIMIT p_max
    )
    UPDATE tasks AS t
    SET status = 'doing', tries = t.tries + 1, lease = nextval('leases'), beat = clock_timestamp()
    FROM found
    WHERE t.task = found.task
    RETURNING t.*;
END
$$;
