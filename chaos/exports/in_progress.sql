-- What is in progress, and the last sign of life of its worker. {exports} shows the target's rows in the contract's words.
SELECT id::text, attempt, claimed_by, COALESCE(heartbeat_at, started_at) AS heartbeat_at
FROM {exports} AS shown
WHERE state = 'preparing'
ORDER BY created_at, id
