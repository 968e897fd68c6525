SELECT *
FROM ledger_events
WHERE organization_id = %(organization_id)s AND target_id = %(export_id)s AND event_name = 'export.completed'
ORDER BY ledger_seq
