-- Claims exactly one export, that of probe_queue.sql: locking others would disturb workers.
SELECT count(*) FROM claim_export_job(%(worker)s, 1, %(max_per_org)s)
