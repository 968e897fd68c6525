-- A queue that is not ours: other names, whole numbers as ids and tokens, no functions but these.
CREATE TABLE tasks (
    task      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant    text NOT NULL,
    status    text NOT NULL DEFAULT 'todo',
    tries     int NOT NULL DEFAULT 0,
    lease     bigint,
    beat      timestamptz
);
CREATE SEQUENCE leases;

CREATE FUNCTION grab_tasks(p_max int, p_share int) RETURNS SETOF tasks LANGUAGE plpgsql AS $$
DECLARE
    v_task tasks;
BEGIN
    PERFORM pg_advisory_xact_lock(42);
    FOR i IN 1..p_max LOOP
        SELECT * INTO v_task FROM tasks AS t
        WHERE t.status = 'todo'
          AND (SELECT count(*) FROM tasks AS d WHERE d.tenant = t.tenant AND d.status = 'doing') < p_share
        ORDER BY t.task LIMIT 1 FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        RETURN QUERY
        UPDATE tasks AS t
        SET status = 'doing', tries = t.tries + 1, lease = nextval('leases'), beat = clock_timestamp()
        WHERE t.task = v_task.task
        RETURNING t.*;
    END LOOP;
END
$$;
