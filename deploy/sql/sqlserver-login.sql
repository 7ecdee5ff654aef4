-- What the service's user may do in its database: everything with rows, and with the access log only to read it and to
-- add to it. Run it as the owner of the database, after web migrate.
-- The user itself is made before, for example: CREATE USER sluis_app FOR LOGIN sluis_app;
ALTER ROLE db_datareader ADD MEMBER sluis_app;
ALTER ROLE db_datawriter ADD MEMBER sluis_app;
DENY UPDATE, DELETE ON audit_events TO sluis_app;
DENY UPDATE, DELETE ON audit_subjects TO sluis_app;
DENY UPDATE, DELETE ON audit_hashes TO sluis_app;
