"""A notification is sent when the queue was empty: else the workers are awake anyhow."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="A request notifies only when nothing was queued: while others wait for their caps, an idle worker is not woken",
    source="known: wake-ups on the edge from empty to not empty, as in producer-consumer queues",
    expected=("chaos.wake-up",),
    edits=(
        Edit(
            file="migrations/0006_queue.sql",
            old="BEGIN\n    PERFORM pg_notify('exports_queued', '');\n    RETURN NULL;",
            new="BEGIN\n    IF (SELECT count(*) FROM exports WHERE state = 'queued') = 1 THEN\n"
            "        PERFORM pg_notify('exports_queued', '');\n    END IF;\n    RETURN NULL;",
        ),
    ),
    # It has to see the queue of all organizations.
    sql="ALTER FUNCTION notify_exports_queued() SECURITY DEFINER;\n"
    "GRANT CREATE ON SCHEMA public TO service_role;\n"
    "ALTER FUNCTION notify_exports_queued() OWNER TO service_role;\n"
    "REVOKE CREATE ON SCHEMA public FROM service_role",
)
