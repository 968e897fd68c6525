-- A range of one organization's ledger, in order.
SELECT *
FROM ledger_events
WHERE organization_id = %(organization_id)s AND ledger_seq > %(after)s AND ledger_seq <= %(up_to)s
ORDER BY ledger_seq
LIMIT %(limit)s
