SELECT *
FROM ledger_events
WHERE id = %(event_id)s
