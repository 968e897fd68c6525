-- Every export and every ledger event, whole: what must not change any more, whichever column it is.
-- Names in braces come from the target file.
SELECT 'export ' || e.{id} AS what, to_jsonb(e) AS record FROM {exports} AS e
UNION ALL
SELECT 'ledger event ' || l.{event_id} || ' (' || l.{event_name} || ')', to_jsonb(l)
FROM {ledger} AS l
