-- Wakes the other workers: a worker that drains does not claim what waited for a place under its organization's cap.
SELECT pg_notify('exports_queued', '')
