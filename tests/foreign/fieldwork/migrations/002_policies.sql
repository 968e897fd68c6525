-- Who sees and writes what. The organization is looked up by the user of the token, never taken from
-- the token's own claims.
CREATE FUNCTION my_org() RETURNS uuid
LANGUAGE sql STABLE SET search_path = ''
AS $$ SELECT p.org_id FROM public.profiles AS p WHERE p.user_id = (SELECT auth.uid()) $$;

CREATE FUNCTION my_role() RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$ SELECT p.role FROM public.profiles AS p WHERE p.user_id = (SELECT auth.uid()) $$;

GRANT EXECUTE ON FUNCTION my_org(), my_role() TO authenticated, service_role;

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE profiles FORCE ROW LEVEL SECURITY;
ALTER TABLE work_orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_orders FORCE ROW LEVEL SECURITY;
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
ALTER TABLE client_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_requests FORCE ROW LEVEL SECURITY;
ALTER TABLE proof_packages ENABLE ROW LEVEL SECURITY;
ALTER TABLE proof_packages FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON organizations FOR SELECT TO authenticated
    USING (id = (SELECT my_org()));
CREATE POLICY own_profile ON profiles FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));

CREATE POLICY read_work_orders ON work_orders FOR SELECT TO authenticated
    USING (org_id = (SELECT my_org()));
CREATE POLICY open_work_orders ON work_orders FOR INSERT TO authenticated
    WITH CHECK (org_id = (SELECT my_org()) AND (SELECT my_role()) IN ('admin', 'technician'));

CREATE POLICY read_documents ON documents FOR SELECT TO authenticated
    USING (org_id = (SELECT my_org()));
CREATE POLICY file_documents ON documents FOR INSERT TO authenticated
    WITH CHECK (
        org_id = (SELECT my_org()) AND (SELECT my_role()) IN ('admin', 'technician')
        AND work_order_id IN (SELECT w.id FROM work_orders AS w)
    );

CREATE POLICY read_client_requests ON client_requests FOR SELECT TO authenticated
    USING (org_id = (SELECT my_org()));
CREATE POLICY note_client_requests ON client_requests FOR INSERT TO authenticated
    WITH CHECK (org_id = (SELECT my_org()) AND (SELECT my_role()) IN ('admin', 'technician'));
CREATE POLICY settle_client_requests ON client_requests FOR UPDATE TO authenticated
    USING (org_id = (SELECT my_org()) AND (SELECT my_role()) IN ('admin', 'technician'))
    WITH CHECK (org_id = (SELECT my_org()));

CREATE POLICY read_packages ON proof_packages FOR SELECT TO authenticated
    USING (org_id = (SELECT my_org()));
CREATE POLICY request_packages ON proof_packages FOR INSERT TO authenticated
    WITH CHECK (
        org_id = (SELECT my_org()) AND (SELECT my_role()) IN ('admin', 'technician')
        AND work_order_id IN (SELECT w.id FROM work_orders AS w)
    );

GRANT SELECT ON organizations, profiles, work_orders, documents, client_requests, proof_packages
    TO authenticated;
GRANT INSERT (org_id, name, source, created_by) ON work_orders TO authenticated;
GRANT INSERT (
    id, org_id, work_order_id, file_name, content_type, byte_size, sha256, storage_key, category, step,
    taken_at, uploaded_by
) ON documents TO authenticated;
GRANT INSERT (org_id, endpoint, client_request_id, fingerprint, record_id) ON client_requests
    TO authenticated;
GRANT UPDATE (record_id) ON client_requests TO authenticated;
GRANT INSERT (org_id, work_order_id, kind, requested_by) ON proof_packages TO authenticated;

-- The server's own work: it signs addresses of files, and makes packages.
GRANT SELECT ON organizations, profiles, work_orders, documents, proof_packages TO service_role;
GRANT UPDATE ON proof_packages TO service_role;
