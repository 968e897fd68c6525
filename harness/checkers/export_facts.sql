-- Everything that the checkers of exports judge, as of one moment: it is one statement.
-- Names in braces come from the target file. All organizations where %(organizations)s is null.
SELECT
    (SELECT json_agg(e)
     FROM (SELECT id::text, state::text, attempt, organization_id::text, error_code
           FROM {exports} AS shown
           WHERE %(organizations)s::text[] IS NULL OR organization_id::text = ANY (%(organizations)s::text[])
           ORDER BY created_at, id) AS e) AS exports,
    (SELECT json_agg({target_id}::text)
     FROM {ledger}
     WHERE {event_name} = %(completed)s
       AND (%(organizations)s::text[] IS NULL OR {organization_id}::text = ANY (%(organizations)s::text[]))
    ) AS completions,
    {transitions} AS transitions
