"""The actor of an event is the database role that the connection logged in as."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Ledger events name the database role as their actor, not the user who acted",
    source="known: audit triggers that write current_user behind a connection pool",
    expected=("golden.ledger-event",),
    edits=(
        Edit(
            file="migrations/0004_ledger.sql",
            old="v_event.actor_id := request_actor_id();",
            new="v_event.actor_id := session_user;",
        ),
    ),
)
