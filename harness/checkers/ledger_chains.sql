-- The chain of each organization, in order, with its links. Names in braces come from the target file.
-- All organizations where %(organizations)s is null.
SELECT {organization_id}::text AS org, {ledger_seq}::bigint AS seq, {event_name}::text AS name,
       {hash}::text AS hash, {prev_hash}::text AS prev
FROM {ledger}
WHERE %(organizations)s::text[] IS NULL OR {organization_id}::text = ANY (%(organizations)s::text[])
ORDER BY 1, 2
