SELECT id, organization_id, job_id, export_type, attempt, claim_token, created_at, filters::text AS filters,
       ledger_head_seq, ledger_head_hash
FROM claim_export_job(%(worker)s, %(limit)s, %(max_per_org)s)
