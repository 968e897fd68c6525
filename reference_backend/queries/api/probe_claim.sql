-- A claim of exactly one: the export of probe_queue.sql. Others that were locked would be felt by workers.
SELECT count(*) FROM claim_export_job(%(worker)s, 1, %(max_per_org)s)
