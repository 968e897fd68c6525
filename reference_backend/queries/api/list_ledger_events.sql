SELECT *
FROM ledger_events
WHERE organization_id = request_organization_id() AND ledger_seq > %(after_seq)s
ORDER BY ledger_seq
LIMIT %(rows)s
