-- A queue of leases: whoever claims takes what has run out, too. No step takes anything back.
CREATE TABLE leased (
    id       bigserial PRIMARY KEY,
    status   text NOT NULL DEFAULT 'todo',
    tries    int NOT NULL DEFAULT 0,
    lease    uuid,
    expires  timestamptz
);

CREATE FUNCTION lease(n int) RETURNS SETOF leased LANGUAGE sql AS $$
    UPDATE leased AS t
    SET status = 'doing', tries = t.tries + 1, lease = gen_random_uuid(),
        expires = clock_timestamp() + interval '5 minutes'
    WHERE t.id = ANY (ARRAY(
        SELECT id FROM leased
        WHERE status = 'todo' OR (status = 'doing' AND expires < clock_timestamp())
        ORDER BY id LIMIT n FOR UPDATE SKIP LOCKED))
    RETURNING t.*
$$;
