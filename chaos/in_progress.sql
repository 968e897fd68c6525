-- What is in progress, and the last sign of life of whoever is at it. {exports} comes from the target file.
SELECT id::text, attempt, claimed_by, COALESCE(heartbeat_at, started_at) AS heartbeat_at
FROM {exports}
WHERE state = 'preparing'
ORDER BY created_at, id
