-- What Oracle knows of its objects and users and PostgreSQL does not.
SET search_path = ora;

CREATE TABLE users (
  user_id integer GENERATED ALWAYS AS IDENTITY (START WITH 100) PRIMARY KEY,
  username text NOT NULL UNIQUE,
  salt bytea,
  key bytea,
  status integer NOT NULL DEFAULT 0,
  created timestamp NOT NULL DEFAULT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC'),
  default_tablespace text NOT NULL DEFAULT 'USERS');
CREATE TABLE system_privileges (
  grantee text NOT NULL, privilege text NOT NULL, admin_option boolean NOT NULL DEFAULT false,
  PRIMARY KEY (grantee, privilege));
CREATE TABLE proxies (proxy text NOT NULL, client text NOT NULL, PRIMARY KEY (proxy, client));
CREATE TABLE quotas (username text NOT NULL, tablespace text NOT NULL, max_bytes bigint NOT NULL,
  PRIMARY KEY (username, tablespace));
CREATE TABLE objects (
  relid oid PRIMARY KEY,
  created timestamp NOT NULL DEFAULT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC'),
  last_ddl timestamp NOT NULL DEFAULT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC'),
  num_rows numeric, blocks numeric, avg_row_len numeric, last_analyzed timestamp, statistics_locked boolean NOT NULL DEFAULT false,
  duration text);  -- of a global temporary table: SYS$TRANSACTION or SYS$SESSION
CREATE TABLE columns (
  relid oid NOT NULL, attnum smallint NOT NULL, code integer NOT NULL, size integer NOT NULL,
  precision integer, scale integer, char_semantics boolean NOT NULL, national boolean NOT NULL, type_name text NOT NULL, default_source text,
  identity text, default_on_null boolean NOT NULL DEFAULT false,
  PRIMARY KEY (relid, attnum));
CREATE TABLE synonyms (owner text NOT NULL, name text NOT NULL, table_owner text NOT NULL, table_name text NOT NULL,
  PRIMARY KEY (owner, name));
CREATE TABLE long_names (short text PRIMARY KEY, name text NOT NULL);
CREATE TABLE settings (name text PRIMARY KEY, value text NOT NULL);

-- The real length of a stored text: U+FDD0 stands for U+0000 and U+FDD1 escapes both (see text.py).
CREATE FUNCTION byte_length(value text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT RETURN
  octet_length(replace(regexp_replace(value, U&'\FDD1(.)', 'xxx', 'g'), U&'\FDD0', 'x'));
CREATE FUNCTION char_length(value text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT RETURN
  pg_catalog.char_length(regexp_replace(value, U&'\FDD1(.)', 'x', 'g'));
-- The slow half of a length check: true when it fits after all, else ORA-12899 with the actual length.
CREATE FUNCTION fits(value text, maximum integer, in_characters boolean, column_name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE actual integer := CASE WHEN in_characters THEN ora.char_length(value) ELSE ora.byte_length(value) END;
BEGIN
  IF actual <= maximum THEN
    RETURN true;
  END IF;
  PERFORM ora.raise(12899, format('value too large for column %s (actual: %s, maximum: %s)', column_name, actual, maximum));
  RETURN false;
END $$;

CREATE FUNCTION setting(setting text) RETURNS text LANGUAGE sql STABLE RETURN nullif(current_setting('ora.' || setting, true), '');

CREATE FUNCTION has_privilege(privilege text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER RETURN EXISTS (
  SELECT 1 FROM ora.system_privileges s WHERE s.privilege = $1 AND s.grantee = ora.setting('session_user'));

CREATE SCHEMA "SYS";
GRANT USAGE ON SCHEMA "SYS" TO PUBLIC;
CREATE TABLE "SYS"."DUAL" ("DUMMY" text);
INSERT INTO "SYS"."DUAL" VALUES ('X');
GRANT SELECT ON "SYS"."DUAL" TO PUBLIC;
INSERT INTO objects (relid) VALUES ('"SYS"."DUAL"'::regclass);
INSERT INTO columns VALUES ('"SYS"."DUAL"'::regclass, 1, 1, 1, NULL, NULL, false, false, 'VARCHAR2');

ALTER TABLE ora.objects ADD COLUMN source text;  -- of a view
CREATE SEQUENCE ora.system_names START WITH 8000;
CREATE FUNCTION ora.fits(value bytea, maximum integer, column_name text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  PERFORM ora.raise(12899, format('value too large for column %s (actual: %s, maximum: %s)', column_name, octet_length(value), maximum));
  RETURN false;
END $$;
