-- The columns of a table that may order events: numbers, times and UUIDs. Texts are hashes and
-- names, which are in some order, too.
SELECT attname::text AS name
FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
  AND atttypid = ANY (ARRAY['int2', 'int4', 'int8', 'numeric', 'timestamptz', 'timestamp', 'uuid']::regtype[])
ORDER BY attnum;
