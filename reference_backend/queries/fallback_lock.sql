-- The lock that claim_export_job() takes: claims of one organisation take turns, however they are made.
SELECT pg_advisory_xact_lock(hashtextextended('claim:' || %(organization_id)s, 0))
