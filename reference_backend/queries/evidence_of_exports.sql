-- For several exports at once: the evidence of their jobs that was sealed before they were requested.
SELECT wanted.export_id, e.id, e.mime_type, e.file_size, e.file_sha256, e.storage_path
FROM unnest(%(export_ids)s::uuid[], %(organization_ids)s::uuid[], %(job_ids)s::uuid[], %(up_to)s::bigint[])
     AS wanted (export_id, organization_id, job_id, up_to)
JOIN evidence AS e
  ON e.organization_id = wanted.organization_id AND e.job_id = wanted.job_id AND e.ledger_seq <= wanted.up_to
ORDER BY e.id
