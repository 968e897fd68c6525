"""Cancel reads the state, and then writes whatever it is by then."""

from reference_backend.defects import Defect, Edit

DEFECT = Defect(
    title="Cancel checks the state before it writes: an export that is completed in between is canceled",
    source="I1, Q11: check, then act; cancel racing completion",
    expected=("chaos.half-written",),
    edits=(
        Edit(
            file="migrations/0005_requests.sql",
            old="""BEGIN
    UPDATE exports AS e
    SET state = 'canceled',""",
            new="""BEGIN
    PERFORM FROM exports AS e
    WHERE e.id = p_export_id AND e.organization_id = request_organization_id()
      AND e.state IN ('queued', 'preparing');
    IF NOT FOUND THEN
        RETURN (SELECT false FROM exports AS e
                WHERE e.id = p_export_id AND e.organization_id = request_organization_id());
    END IF;
    UPDATE exports AS e
    SET state = 'canceled',""",
        ),
        Edit(
            file="migrations/0005_requests.sql",
            old="""    WHERE e.id = p_export_id AND e.organization_id = request_organization_id()
      AND e.state IN ('queued', 'preparing')
    RETURNING * INTO v_export;""",
            new="""    WHERE e.id = p_export_id AND e.organization_id = request_organization_id()
    RETURNING * INTO v_export;""",
        ),
    ),
)
