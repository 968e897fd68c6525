-- A queue that is right, each claim with a token of its own, and that says "no" in three ways:
-- by no row, by an error, and not at all. Recovery does not say what it took back.
CREATE TABLE task (
    id      bigserial PRIMARY KEY,
    status  text NOT NULL DEFAULT 'todo',
    tries   int NOT NULL DEFAULT 0,
    lease   uuid,
    beat    timestamptz
);

CREATE FUNCTION grab(n int) RETURNS SETOF task LANGUAGE sql AS $$
    UPDATE task AS t
    SET status = 'doing', tries = t.tries + 1, lease = gen_random_uuid(), beat = clock_timestamp()
    WHERE t.id = ANY (ARRAY(
        SELECT id FROM task WHERE status = 'todo' ORDER BY id LIMIT n FOR UPDATE SKIP LOCKED))
    RETURNING t.*
$$;

CREATE FUNCTION beat(p_id bigint, p_lease uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE task SET beat = clock_timestamp() WHERE id = p_id AND lease = p_lease AND status = 'doing'
$$;

CREATE FUNCTION finish(p_id bigint, p_lease uuid, p_status text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE task SET status = p_status WHERE id = p_id AND lease = p_lease AND status = 'doing';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the claim is not yours any more' USING ERRCODE = 'LEASE';
    END IF;
END
$$;

CREATE FUNCTION take_back(older interval) RETURNS void LANGUAGE sql AS $$
    UPDATE task AS t SET status = 'todo', lease = NULL
    FROM (SELECT id FROM task
          WHERE status = 'doing' AND beat < clock_timestamp() - older FOR UPDATE SKIP LOCKED) AS g
    WHERE t.id = g.id
$$;
