-- The same lock as in claim_export_job(): it serializes all claims of one organization.
SELECT pg_advisory_xact_lock(hashtextextended('claim:' || %(organization_id)s, 0))
