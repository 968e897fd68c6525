-- A ledger by a trigger, with names of its own; what is in braces differs from test to test.
CREATE SEQUENCE {schema}.numbers;
CREATE TABLE {schema}.trail (
    "entryId" {id} PRIMARY KEY,
    tenant uuid NOT NULL,
    no bigint,
    who text,
    what text NOT NULL,
    "subjectId" uuid,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    details jsonb NOT NULL,
    before {hash},
    seal {hash} NOT NULL
);
CREATE FUNCTION {schema}.seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last {schema}.trail;
BEGIN
    SELECT * INTO last FROM {schema}.trail AS t WHERE t.tenant = NEW.tenant ORDER BY {order} LIMIT 1;
    NEW.no := {number};
    NEW.before := {link};
    NEW.seal := {digest}(convert_to({text}, 'UTF8'){linked} || convert_to('{salt}', 'UTF8')){encoded};
    RETURN NEW;
END $$;
CREATE TRIGGER seal BEFORE INSERT ON {schema}.trail FOR EACH ROW EXECUTE FUNCTION {schema}.seal();
