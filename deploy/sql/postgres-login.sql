-- What the service's role may do in its database: everything with rows, and with the access log only to read it and to
-- add to it. Run it with the role that owns the tables, after web migrate and after each upgrade.
-- The role itself is made before, for example: CREATE ROLE sluis_app LOGIN PASSWORD '…';
GRANT USAGE ON SCHEMA public TO sluis_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sluis_app;
REVOKE UPDATE, DELETE, TRUNCATE ON audit_events, audit_subjects, audit_hashes FROM sluis_app;
