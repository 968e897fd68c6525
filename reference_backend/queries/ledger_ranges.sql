-- A range of the ledger of each organization, in order.
SELECT e.*
FROM unnest(%(organization_ids)s::uuid[], %(after)s::bigint[], %(up_to)s::bigint[])
     AS wanted (organization_id, after, up_to)
JOIN ledger_events AS e
  ON e.organization_id = wanted.organization_id
 AND e.ledger_seq > wanted.after AND e.ledger_seq <= wanted.up_to
ORDER BY e.organization_id, e.ledger_seq
LIMIT %(limit)s
