-- Oracle's catalogue views. Each family (ALL_, DBA_, USER_) comes from one base view in schema ora with a column `visible`.
SET search_path = ora;

CREATE UNLOGGED TABLE ora.sessions (
  sid integer PRIMARY KEY, serial integer NOT NULL, pid integer NOT NULL, username text NOT NULL, schema_name text,
  program text, machine text, os_user text, terminal text, driver text, module text, action text, client_identifier text, client_info text,
  logon_time timestamp NOT NULL DEFAULT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC'));

CREATE FUNCTION ora.long_name(short text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER RETURN
  coalesce((SELECT l.name FROM ora.long_names l WHERE l.short = $1), $1);
CREATE FUNCTION ora.logical(name name) RETURNS text LANGUAGE sql STABLE RETURN
  CASE WHEN octet_length(name::text) > 45 AND name::text LIKE '%~%' THEN ora.long_name(name::text) ELSE name::text END;
CREATE FUNCTION ora.may_see(relid oid) RETURNS boolean LANGUAGE sql STABLE RETURN
  has_table_privilege(relid, 'SELECT, INSERT, UPDATE, DELETE, REFERENCES');

CREATE VIEW relations AS
SELECT c.oid AS relid, ora.logical(n.nspname) AS owner, ora.logical(c.relname) AS name, c.relkind::text AS kind, o.created::odate AS created,
       o.last_ddl::odate AS last_ddl, o.duration, o.source, o.num_rows, o.blocks, o.avg_row_len, o.last_analyzed::odate AS last_analyzed, o.statistics_locked,
       CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, SELECT')
            ELSE ora.may_see(coalesce(i.indrelid, c.oid)) END AS visible, i.indrelid, i.indisunique
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
  LEFT JOIN ora.objects o ON o.relid = coalesce((SELECT x.relid FROM ora.objects x WHERE x.relid = c.oid), i.indrelid)
 WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('ora', 'information_schema') AND c.relkind IN ('r', 'v', 'S', 'i');

CREATE VIEW objects_view AS
SELECT visible, owner AS "OWNER", name AS "OBJECT_NAME", NULL::text AS "SUBOBJECT_NAME", relid::bigint::numeric AS "OBJECT_ID",
       relid::bigint::numeric AS "DATA_OBJECT_ID", CASE kind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END AS "OBJECT_TYPE",
       created AS "CREATED", last_ddl AS "LAST_DDL_TIME", pg_catalog.to_char(last_ddl::timestamp, 'YYYY-MM-DD:HH24:MI:SS') AS "TIMESTAMP",
       'VALID'::text AS "STATUS", CASE WHEN duration IS NULL THEN 'N' ELSE 'Y' END::text AS "TEMPORARY", 'N'::text AS "GENERATED", 'N'::text AS "SECONDARY"
  FROM ora.relations;

CREATE VIEW tables_view AS
SELECT visible, owner AS "OWNER", name AS "TABLE_NAME", CASE WHEN duration IS NULL THEN 'USERS' END AS "TABLESPACE_NAME", NULL::text AS "CLUSTER_NAME",
       NULL::text AS "IOT_NAME", 'VALID'::text AS "STATUS", num_rows AS "NUM_ROWS", blocks AS "BLOCKS", avg_row_len AS "AVG_ROW_LEN", 'YES'::text AS "LOGGING",
       last_analyzed AS "LAST_ANALYZED", 'NO'::text AS "PARTITIONED", NULL::text AS "IOT_TYPE", CASE WHEN duration IS NULL THEN 'N' ELSE 'Y' END AS "TEMPORARY", 'N'::text AS "SECONDARY",
       'NO'::text AS "NESTED", duration AS "DURATION", 'DISABLED'::text AS "COMPRESSION", NULL::text AS "COMPRESS_FOR", 'NO'::text AS "DROPPED", 'NO'::text AS "READ_ONLY"
  FROM ora.relations WHERE kind = 'r';

CREATE VIEW tab_statistics_view AS
SELECT visible, owner AS "OWNER", name AS "TABLE_NAME", NULL::text AS "PARTITION_NAME", 'TABLE'::text AS "OBJECT_TYPE", num_rows AS "NUM_ROWS", blocks AS "BLOCKS", avg_row_len AS "AVG_ROW_LEN",
       last_analyzed AS "LAST_ANALYZED", CASE WHEN statistics_locked THEN 'ALL' END AS "STATTYPE_LOCKED", CASE WHEN last_analyzed IS NOT NULL THEN 'NO' END AS "STALE_STATS"
  FROM ora.relations WHERE kind = 'r';

CREATE VIEW views_view AS
SELECT visible, owner AS "OWNER", name AS "VIEW_NAME", pg_catalog.length(source)::numeric AS "TEXT_LENGTH", source::clob AS "TEXT", source AS "TEXT_VC", 'N'::text AS "READ_ONLY"
  FROM ora.relations WHERE kind = 'v';

-- Columns are counted by owner and name as well: a condition on these then chooses rows before they are counted.
CREATE VIEW tab_cols_view AS
SELECT r.visible, r.owner AS "OWNER", r.name AS "TABLE_NAME", ora.logical(a.attname) AS "COLUMN_NAME", o.type_name AS "DATA_TYPE", NULL::text AS "DATA_TYPE_MOD",
       NULL::text AS "DATA_TYPE_OWNER",
       (CASE WHEN o.national THEN least(o.size * 2, 4000) WHEN o.char_semantics THEN least(o.size * 4, CASE WHEN o.code = 96 THEN 2000 ELSE 4000 END) ELSE o.size END)::numeric AS "DATA_LENGTH",
       (CASE WHEN o.code = 2 THEN o.precision WHEN o.code IN (182, 183) THEN o.precision END)::numeric AS "DATA_PRECISION",
       (CASE WHEN o.code = 2 AND o.scale = -127 THEN NULL WHEN o.code IN (2, 180, 181, 182, 183, 231) THEN o.scale END)::numeric AS "DATA_SCALE",
       CASE WHEN a.attnotnull THEN 'N' ELSE 'Y' END AS "NULLABLE", (row_number() OVER (PARTITION BY r.owner, r.name, a.attrelid ORDER BY a.attnum))::numeric AS "COLUMN_ID",
       pg_catalog.length(o.default_source)::numeric AS "DEFAULT_LENGTH", o.default_source::clob AS "DATA_DEFAULT", NULL::numeric AS "NUM_DISTINCT", NULL::numeric AS "NUM_NULLS",
       NULL::odate AS "LAST_ANALYZED", CASE WHEN o.national THEN 'NCHAR_CS' WHEN o.code IN (1, 96, 112) THEN 'CHAR_CS' END AS "CHARACTER_SET_NAME",
       CASE WHEN o.code IN (1, 96) THEN o.size::numeric END AS "CHAR_COL_DECL_LENGTH", (CASE WHEN o.code IN (1, 96) THEN o.size ELSE 0 END)::numeric AS "CHAR_LENGTH",
       CASE WHEN o.code IN (1, 96) THEN CASE WHEN o.char_semantics THEN 'C' ELSE 'B' END END AS "CHAR_USED", 'NO'::text AS "HIDDEN_COLUMN", 'NO'::text AS "VIRTUAL_COLUMN",
       CASE WHEN o.identity IS NULL THEN 'NO' ELSE 'YES' END AS "IDENTITY_COLUMN", CASE WHEN o.default_on_null THEN 'YES' ELSE 'NO' END AS "DEFAULT_ON_NULL", 'YES'::text AS "USER_GENERATED", 'NONE'::text AS "HISTOGRAM"
  FROM ora.relations r JOIN pg_attribute a ON a.attrelid = r.relid AND a.attnum > 0 AND NOT a.attisdropped JOIN ora.columns o ON o.relid = a.attrelid AND o.attnum = a.attnum;

CREATE VIEW tab_columns_view AS SELECT * FROM ora.tab_cols_view;

CREATE VIEW constraint_rows AS
SELECT r.visible, k.oid, r.owner, CASE k.contype WHEN 'n' THEN 'SYS_C' || k.oid ELSE ora.logical(k.conname) END AS name,
       CASE k.contype WHEN 'p' THEN 'P' WHEN 'u' THEN 'U' WHEN 'f' THEN 'R' ELSE 'C' END AS kind, r.name AS table_name, k.conrelid, k.conkey, k.contype, k.confrelid, k.confkey, k.confdeltype, k.conindid
  FROM ora.relations r JOIN pg_constraint k ON k.conrelid = r.relid WHERE k.contype IN ('p', 'u', 'f', 'c', 'n') AND k.conname NOT LIKE 'len$%';

CREATE VIEW constraints_view AS
SELECT k.visible, k.owner AS "OWNER", k.name AS "CONSTRAINT_NAME", k.kind AS "CONSTRAINT_TYPE", k.table_name AS "TABLE_NAME",
       (CASE k.contype WHEN 'n' THEN '"' || (SELECT ora.logical(a.attname) FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]) || '" IS NOT NULL'
             WHEN 'c' THEN obj_description(k.oid, 'pg_constraint') END)::clob AS "SEARCH_CONDITION",
       p.owner AS "R_OWNER", p.name AS "R_CONSTRAINT_NAME", CASE WHEN k.kind = 'R' THEN CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'NO ACTION' END END AS "DELETE_RULE",
       'ENABLED'::text AS "STATUS", 'NOT DEFERRABLE'::text AS "DEFERRABLE", 'IMMEDIATE'::text AS "DEFERRED", 'VALIDATED'::text AS "VALIDATED",
       CASE WHEN k.name LIKE 'SYS\_C%' THEN 'GENERATED NAME' ELSE 'USER NAME' END AS "GENERATED", CASE WHEN k.kind IN ('P', 'U') THEN k.owner END AS "INDEX_OWNER", CASE WHEN k.kind IN ('P', 'U') THEN k.name END AS "INDEX_NAME"
  FROM ora.constraint_rows k LEFT JOIN ora.constraint_rows p ON k.kind = 'R' AND p.kind IN ('P', 'U') AND p.conrelid = k.confrelid AND p.conkey @> k.confkey AND p.conkey <@ k.confkey;

CREATE VIEW cons_columns_view AS
SELECT k.visible, k.owner AS "OWNER", k.name AS "CONSTRAINT_NAME", k.table_name AS "TABLE_NAME", ora.logical(a.attname) AS "COLUMN_NAME",
       CASE WHEN k.kind IN ('P', 'U', 'R') THEN c.position::numeric END AS "POSITION"
  FROM ora.constraint_rows k CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS c (attnum, position) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum;

CREATE VIEW indexes_view AS
SELECT i.visible, i.owner AS "OWNER", i.name AS "INDEX_NAME", CASE WHEN (0::int2 = ANY (x.indkey::int2[])) OR (SELECT bool_or(o & 1 = 1) FROM unnest(x.indoption::int2[]) AS o) THEN 'FUNCTION-BASED NORMAL' ELSE 'NORMAL' END AS "INDEX_TYPE", t.owner AS "TABLE_OWNER", t.name AS "TABLE_NAME", 'TABLE'::text AS "TABLE_TYPE",
       CASE WHEN i.indisunique THEN 'UNIQUE' ELSE 'NONUNIQUE' END AS "UNIQUENESS", 'DISABLED'::text AS "COMPRESSION", NULL::numeric AS "PREFIX_LENGTH", 'USERS'::text AS "TABLESPACE_NAME",
       'VALID'::text AS "STATUS", 'NO'::text AS "PARTITIONED", CASE WHEN t.duration IS NULL THEN 'N' ELSE 'Y' END AS "TEMPORARY", 'N'::text AS "GENERATED", 'VISIBLE'::text AS "VISIBILITY"
  FROM ora.relations i JOIN ora.relations t ON t.relid = i.indrelid JOIN pg_index x ON x.indexrelid = i.relid WHERE i.kind = 'i';

CREATE VIEW ind_columns_view AS
SELECT i.visible, i.owner AS "INDEX_OWNER", i.name AS "INDEX_NAME", t.owner AS "TABLE_OWNER", t.name AS "TABLE_NAME", CASE WHEN a.attname IS NULL OR x.indoption[k.position - 1] & 1 = 1 THEN 'SYS_NC' || pg_catalog.lpad((1000 + k.position)::text, 5, '0') || '$' ELSE ora.logical(a.attname) END AS "COLUMN_NAME",
       k.position::numeric AS "COLUMN_POSITION", CASE WHEN x.indoption[k.position - 1] & 1 = 1 THEN 'DESC' ELSE 'ASC' END AS "DESCEND"
  FROM ora.relations i JOIN ora.relations t ON t.relid = i.indrelid JOIN pg_index x ON x.indexrelid = i.relid CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
  LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum WHERE i.kind = 'i';

-- A descending column is an expression to Oracle, as a function of columns is.
CREATE VIEW ind_expressions_view AS
SELECT i.visible, i.owner AS "INDEX_OWNER", i.name AS "INDEX_NAME", t.owner AS "TABLE_OWNER", t.name AS "TABLE_NAME",
       coalesce('"' || ora.logical(a.attname) || '"', pg_get_indexdef(i.relid, k.position::integer, false))::clob AS "COLUMN_EXPRESSION", k.position::numeric AS "COLUMN_POSITION"
  FROM ora.relations i JOIN ora.relations t ON t.relid = i.indrelid JOIN pg_index x ON x.indexrelid = i.relid CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
  LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum WHERE i.kind = 'i' AND (a.attname IS NULL OR x.indoption[k.position - 1] & 1 = 1);

CREATE VIEW sequences_view AS
SELECT r.visible, r.owner AS "SEQUENCE_OWNER", r.name AS "SEQUENCE_NAME", s.seqmin::numeric AS "MIN_VALUE", s.seqmax::numeric AS "MAX_VALUE", s.seqincrement::numeric AS "INCREMENT_BY",
       CASE WHEN s.seqcycle THEN 'Y' ELSE 'N' END AS "CYCLE_FLAG", 'N'::text AS "ORDER_FLAG", s.seqcache::numeric AS "CACHE_SIZE", coalesce(pg_sequence_last_value(r.relid) + s.seqincrement, s.seqstart)::numeric AS "LAST_NUMBER"
  FROM ora.relations r JOIN pg_sequence s ON s.seqrelid = r.relid WHERE r.kind = 'S';

CREATE VIEW tab_comments_view AS
SELECT visible, owner AS "OWNER", name AS "TABLE_NAME", CASE kind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS "TABLE_TYPE", obj_description(relid, 'pg_class') AS "COMMENTS" FROM ora.relations WHERE kind IN ('r', 'v');
CREATE VIEW col_comments_view AS
SELECT r.visible, r.owner AS "OWNER", r.name AS "TABLE_NAME", ora.logical(a.attname) AS "COLUMN_NAME", col_description(r.relid, a.attnum) AS "COMMENTS"
  FROM ora.relations r JOIN pg_attribute a ON a.attrelid = r.relid AND a.attnum > 0 AND NOT a.attisdropped WHERE r.kind IN ('r', 'v');

CREATE FUNCTION ora.synonym_rows() RETURNS SETOF ora.synonyms LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT * FROM ora.synonyms';
CREATE VIEW synonyms_view AS
SELECT s.owner = 'PUBLIC' OR s.owner = ora.setting('session_user') OR EXISTS (SELECT 1 FROM ora.relations r WHERE r.owner = s.table_owner AND r.name = s.table_name AND r.visible) AS visible,
       s.owner AS "OWNER", s.name AS "SYNONYM_NAME", s.table_owner AS "TABLE_OWNER", s.table_name AS "TABLE_NAME", NULL::text AS "DB_LINK" FROM ora.synonym_rows() s;
CREATE VIEW tab_identity_cols_view AS
SELECT r.visible, r.owner AS "OWNER", r.name AS "TABLE_NAME", ora.logical(a.attname) AS "COLUMN_NAME", o.identity AS "GENERATION_TYPE", split_part(o.default_source, '"', 4) AS "SEQUENCE_NAME",
       format('START WITH: %s, INCREMENT BY: %s, MAX_VALUE: %s, MIN_VALUE: %s, CYCLE_FLAG: %s, CACHE_SIZE: %s, ORDER_FLAG: N, SCALE_FLAG: N, EXTEND_FLAG: N, SESSION_FLAG: N, KEEP_VALUE: N',
         s.seqstart, s.seqincrement, s.seqmax, s.seqmin, CASE WHEN s.seqcycle THEN 'Y' ELSE 'N' END, s.seqcache) AS "IDENTITY_OPTIONS"
  FROM ora.relations r JOIN pg_attribute a ON a.attrelid = r.relid AND a.attnum > 0 AND NOT a.attisdropped JOIN ora.columns o ON o.relid = a.attrelid AND o.attnum = a.attnum AND o.identity IS NOT NULL
  JOIN pg_class c ON c.relname = split_part(o.default_source, '"', 4) AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = split_part(o.default_source, '"', 2) JOIN pg_sequence s ON s.seqrelid = c.oid;

-- Things that do not exist here have empty views, since tools look for them.
CREATE VIEW mviews_view AS SELECT true AS visible, ''::text AS "OWNER", ''::text AS "MVIEW_NAME", ''::clob AS "QUERY" WHERE false;
CREATE VIEW mview_comments_view AS SELECT true AS visible, ''::text AS "OWNER", ''::text AS "MVIEW_NAME", ''::text AS "COMMENTS" WHERE false;
CREATE VIEW db_links_view AS SELECT true AS visible, ''::text AS "OWNER", ''::text AS "DB_LINK", ''::text AS "USERNAME", ''::text AS "HOST", NULL::odate AS "CREATED" WHERE false;

DO $$
DECLARE
  family text; base text; owner_column text; listed text; own text; prefix text;
  families text[] := ARRAY['OBJECTS', 'TABLES', 'TAB_STATISTICS', 'VIEWS', 'TAB_COLS', 'TAB_COLUMNS', 'CONSTRAINTS', 'CONS_COLUMNS', 'INDEXES', 'IND_COLUMNS', 'SEQUENCES',
                           'TAB_COMMENTS', 'COL_COMMENTS', 'SYNONYMS', 'MVIEWS', 'TAB_IDENTITY_COLS', 'IND_EXPRESSIONS', 'MVIEW_COMMENTS', 'DB_LINKS'];
BEGIN
  FOREACH family IN ARRAY families LOOP
    base := lower(family) || '_view';
    owner_column := CASE WHEN family = 'SEQUENCES' THEN 'SEQUENCE_OWNER' WHEN family LIKE 'IND\_%' THEN 'INDEX_OWNER' ELSE 'OWNER' END;
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (WHERE attname <> 'visible'),
           string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (WHERE attname NOT IN ('visible', owner_column, 'TABLE_OWNER') OR family = 'INDEXES' AND attname = 'TABLE_OWNER')
      INTO listed, own FROM pg_attribute WHERE attrelid = ('ora.' || base)::regclass AND attnum > 0;
    EXECUTE format('CREATE VIEW "SYS".%I AS SELECT %s FROM ora.%s WHERE visible', 'ALL_' || family, listed, base);
    EXECUTE format('CREATE VIEW "SYS".%I AS SELECT %s FROM ora.%s', 'DBA_' || family, listed, base);
    EXECUTE format('CREATE VIEW "SYS".%I AS SELECT %s FROM ora.%s WHERE %I = ora.setting(''session_user'')', 'USER_' || family, own, base, owner_column);
    EXECUTE format('GRANT SELECT ON "SYS".%I, "SYS".%I TO PUBLIC', 'ALL_' || family, 'USER_' || family);
  END LOOP;
END $$;

CREATE VIEW "SYS"."ALL_USERS" AS SELECT username AS "USERNAME", user_id::numeric AS "USER_ID", created::odate AS "CREATED", 'NO'::text AS "COMMON", 'N'::text AS "ORACLE_MAINTAINED" FROM ora.users;
CREATE VIEW "SYS"."DBA_USERS" AS SELECT username AS "USERNAME", user_id::numeric AS "USER_ID",
  CASE status WHEN 28000 THEN 'LOCKED' WHEN 28001 THEN 'EXPIRED' ELSE 'OPEN' END AS "ACCOUNT_STATUS", default_tablespace AS "DEFAULT_TABLESPACE", 'TEMP'::text AS "TEMPORARY_TABLESPACE", created::odate AS "CREATED", 'DEFAULT'::text AS "PROFILE" FROM ora.users;
CREATE VIEW "SYS"."USER_USERS" AS SELECT * FROM "SYS"."DBA_USERS" WHERE "USERNAME" = ora.setting('session_user');
CREATE VIEW "SYS"."SESSION_PRIVS" AS SELECT DISTINCT privilege AS "PRIVILEGE" FROM ora.system_privileges WHERE grantee IN (ora.setting('session_user'), 'PUBLIC');
CREATE VIEW "SYS"."PROXY_USERS" AS SELECT proxy AS "PROXY", client AS "CLIENT", 'NO'::text AS "AUTHENTICATION", 'PROXY MAY ACTIVATE ALL CLIENT ROLES'::text AS "FLAGS" FROM ora.proxies;
CREATE VIEW "SYS"."USER_PROXIES" AS SELECT "CLIENT", "AUTHENTICATION", "FLAGS" FROM "SYS"."PROXY_USERS" WHERE "PROXY" = ora.setting('session_user');
CREATE VIEW "SYS"."SESSION_ROLES" AS SELECT ''::text AS "ROLE" WHERE false;
CREATE VIEW "SYS"."DBA_SYS_PRIVS" AS SELECT grantee AS "GRANTEE", privilege AS "PRIVILEGE", CASE WHEN admin_option THEN 'YES' ELSE 'NO' END AS "ADMIN_OPTION" FROM ora.system_privileges;
CREATE VIEW "SYS"."USER_SYS_PRIVS" AS SELECT grantee AS "USERNAME", privilege AS "PRIVILEGE", CASE WHEN admin_option THEN 'YES' ELSE 'NO' END AS "ADMIN_OPTION" FROM ora.system_privileges WHERE grantee IN (ora.setting('session_user'), 'PUBLIC');
CREATE VIEW "SYS"."DBA_TAB_PRIVS" AS
SELECT CASE WHEN p.grantee = 0 THEN 'PUBLIC' ELSE ora.logical(g.rolname) END AS "GRANTEE", ora.logical(n.nspname) AS "OWNER", ora.logical(c.relname) AS "TABLE_NAME",
       CASE WHEN w.rolname = 'postgres' THEN ora.logical(n.nspname) ELSE ora.logical(w.rolname) END AS "GRANTOR", p.privilege_type::text AS "PRIVILEGE", CASE WHEN p.is_grantable THEN 'YES' ELSE 'NO' END AS "GRANTABLE", 'NO'::text AS "HIERARCHY",
       CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS "TYPE"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) p LEFT JOIN pg_roles g ON g.oid = p.grantee LEFT JOIN pg_roles w ON w.oid = p.grantor
 WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('ora', 'information_schema') AND p.grantee <> c.relowner AND p.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES');
CREATE VIEW "SYS"."USER_TAB_PRIVS" AS SELECT * FROM "SYS"."DBA_TAB_PRIVS" WHERE ora.setting('session_user') IN ("GRANTEE", "OWNER", "GRANTOR");
CREATE VIEW "SYS"."ALL_TAB_PRIVS" AS SELECT "GRANTOR", "GRANTEE", "OWNER" AS "TABLE_SCHEMA", "TABLE_NAME", "PRIVILEGE", "GRANTABLE", "HIERARCHY", "TYPE" FROM "SYS"."DBA_TAB_PRIVS" WHERE ora.setting('session_user') IN ("GRANTEE", "OWNER", "GRANTOR") OR "GRANTEE" = 'PUBLIC';
CREATE VIEW "SYS"."DBA_TS_QUOTAS" AS SELECT tablespace AS "TABLESPACE_NAME", username AS "USERNAME", 0::numeric AS "BYTES", max_bytes::numeric AS "MAX_BYTES", 0::numeric AS "BLOCKS", (CASE WHEN max_bytes < 0 THEN -1 ELSE max_bytes / 8192 END)::numeric AS "MAX_BLOCKS", 'NO'::text AS "DROPPED" FROM ora.quotas;
CREATE VIEW "SYS"."USER_TS_QUOTAS" AS SELECT "TABLESPACE_NAME", "BYTES", "MAX_BYTES", "BLOCKS", "MAX_BLOCKS", "DROPPED" FROM "SYS"."DBA_TS_QUOTAS" WHERE "USERNAME" = ora.setting('session_user');
CREATE VIEW "SYS"."USER_TABLESPACES" AS SELECT t AS "TABLESPACE_NAME", 'ONLINE'::text AS "STATUS", CASE t WHEN 'TEMP' THEN 'TEMPORARY' ELSE 'PERMANENT' END AS "CONTENTS" FROM unnest(ARRAY['SYSTEM', 'SYSAUX', 'USERS', 'TEMP', 'UNDOTBS1']) AS t;
CREATE VIEW "SYS"."DBA_TABLESPACES" AS SELECT * FROM "SYS"."USER_TABLESPACES";

CREATE VIEW "SYS"."V$VERSION" AS
SELECT CASE WHEN value LIKE '23%' THEN 'Oracle Database 23ai Free Release 23.0.0.0.0 - Develop, Learn, and Run for Free' ELSE 'Oracle Database 19c Enterprise Edition Release 19.0.0.0.0 - Production' END AS "BANNER",
       CASE WHEN value LIKE '23%' THEN 'Oracle Database 23ai Free Release 23.0.0.0.0 - Develop, Learn, and Run for Free' ELSE 'Oracle Database 19c Enterprise Edition Release 19.0.0.0.0 - Production' END || chr(10) || 'Version ' || value AS "BANNER_FULL",
       'oracle-emulator: a simulator over PostgreSQL, not Oracle Database'::text AS "BANNER_LEGACY", 0::numeric AS "CON_ID" FROM ora.settings WHERE name = 'version';
CREATE VIEW "SYS"."PRODUCT_COMPONENT_VERSION" AS
SELECT CASE WHEN value LIKE '23%' THEN 'Oracle Database 23ai Free' ELSE 'Oracle Database 19c Enterprise Edition' END AS "PRODUCT", CASE WHEN value LIKE '23%' THEN '23.0.0.0.0' ELSE '19.0.0.0.0' END AS "VERSION", value AS "VERSION_FULL", 'Production'::text AS "STATUS"
  FROM ora.settings WHERE name = 'version';
CREATE VIEW "SYS"."V$INSTANCE" AS SELECT 1::numeric AS "INSTANCE_NUMBER", 'emulator'::text AS "INSTANCE_NAME", 'localhost'::text AS "HOST_NAME", split_part(value, '.', 1) || '.0.0.0.0' AS "VERSION", value AS "VERSION_FULL",
  (pg_postmaster_start_time() AT TIME ZONE 'UTC')::odate AS "STARTUP_TIME", 'OPEN'::text AS "STATUS", 'ALLOWED'::text AS "LOGINS", 'ACTIVE'::text AS "DATABASE_STATUS", 'PRIMARY_INSTANCE'::text AS "INSTANCE_ROLE" FROM ora.settings WHERE name = 'version';
CREATE VIEW "SYS"."V$DATABASE" AS SELECT 1::numeric AS "DBID", upper(left(value, 8)) AS "NAME", value AS "DB_UNIQUE_NAME", 'READ WRITE'::text AS "OPEN_MODE", 'NOARCHIVELOG'::text AS "LOG_MODE", 'PRIMARY'::text AS "DATABASE_ROLE", 'YES'::text AS "CDB", 'NO'::text AS "FORCE_LOGGING" FROM ora.settings WHERE name = 'service_name';
CREATE VIEW "SYS"."V$PARAMETER" AS SELECT row_number() OVER (ORDER BY p.name)::numeric AS "NUM", p.name AS "NAME", 2::numeric AS "TYPE", p.value AS "VALUE", p.value AS "DISPLAY_VALUE", 'TRUE'::text AS "ISDEFAULT"
  FROM (VALUES ('max_string_size', (SELECT value FROM ora.settings WHERE name = 'max_string_size')), ('compatible', '19.0.0'), ('ddl_lock_timeout', '0'), ('nls_length_semantics', 'BYTE'), ('open_cursors', '300'), ('processes', '300'), ('deferred_segment_creation', 'TRUE'),
               ('service_names', (SELECT value FROM ora.settings WHERE name = 'service_name')), ('db_name', (SELECT value FROM ora.settings WHERE name = 'service_name')), ('instance_name', 'emulator'), ('recyclebin', 'OFF'), ('db_domain', NULL)) AS p (name, value);
CREATE VIEW "SYS"."V$SESSION" AS SELECT s.sid::numeric AS "SID", s.serial::numeric AS "SERIAL#", s.username AS "USERNAME", coalesce(s.schema_name, s.username) AS "SCHEMANAME", CASE WHEN a.state = 'active' THEN 'ACTIVE' ELSE 'INACTIVE' END AS "STATUS",
  s.program AS "PROGRAM", s.machine AS "MACHINE", s.os_user AS "OSUSER", s.terminal AS "TERMINAL", s.module AS "MODULE", s.action AS "ACTION", s.client_identifier AS "CLIENT_IDENTIFIER", s.client_info AS "CLIENT_INFO", 'USER'::text AS "TYPE", 'DEDICATED'::text AS "SERVER", s.logon_time::odate AS "LOGON_TIME",
  (SELECT b.sid::numeric FROM ora.sessions b WHERE b.pid = (pg_blocking_pids(s.pid))[1]) AS "BLOCKING_SESSION",
  CASE WHEN a.wait_event_type = 'Lock' THEN 'VALID' ELSE 'NO HOLDER' END AS "BLOCKING_SESSION_STATUS", CASE WHEN a.wait_event_type = 'Lock' THEN 'Application' ELSE 'Idle' END AS "WAIT_CLASS", CASE WHEN a.wait_event_type = 'Lock' THEN 'enq: TX - row lock contention' ELSE a.wait_event END AS "EVENT",
  (SELECT value FROM ora.settings WHERE name = 'service_name') AS "SERVICE_NAME"
  FROM ora.sessions s JOIN pg_stat_activity a ON a.pid = s.pid;
CREATE VIEW "SYS"."V$SESSION_CONNECT_INFO" AS SELECT s.sid::numeric AS "SID", s.serial::numeric AS "SERIAL#", 'DATABASE'::text AS "AUTHENTICATION_TYPE", s.os_user AS "OSUSER", s.driver AS "CLIENT_DRIVER", 'AL32UTF8'::text AS "CLIENT_CHARSET" FROM ora.sessions s;
-- Table locks, in Oracle's numbers of modes; row locks are not kept where others can see them.
CREATE VIEW ora.table_locks AS SELECT s.sid, s.username, s.os_user, l.relation AS relid, l.granted, l.pid,
  CASE l.mode WHEN 'RowShareLock' THEN 2 WHEN 'RowExclusiveLock' THEN 3 WHEN 'ShareLock' THEN 4 WHEN 'ShareRowExclusiveLock' THEN 5 WHEN 'ExclusiveLock' THEN 6 WHEN 'AccessExclusiveLock' THEN 6 END AS mode
  FROM pg_locks l JOIN ora.sessions s ON s.pid = l.pid JOIN pg_class c ON c.oid = l.relation AND c.relkind = 'r' WHERE l.locktype = 'relation' AND l.mode NOT IN ('AccessShareLock', 'ShareUpdateExclusiveLock')
  AND EXISTS (SELECT 1 FROM ora.objects o WHERE o.relid = l.relation) AND c.relnamespace <> '"SYS"'::regnamespace;
CREATE VIEW "SYS"."V$LOCKED_OBJECT" AS SELECT relid::bigint::numeric AS "OBJECT_ID", sid::numeric AS "SESSION_ID", username AS "ORACLE_USERNAME", os_user AS "OS_USER_NAME", max(mode)::numeric AS "LOCKED_MODE" FROM ora.table_locks WHERE granted GROUP BY 1, 2, 3, 4;
CREATE VIEW "SYS"."V$LOCK" AS SELECT sid::numeric AS "SID", 'TM'::text AS "TYPE", relid::bigint::numeric AS "ID1", 0::numeric AS "ID2", coalesce(max(mode) FILTER (WHERE granted), 0)::numeric AS "LMODE", coalesce(max(mode) FILTER (WHERE NOT granted), 0)::numeric AS "REQUEST",
  (CASE WHEN EXISTS (SELECT 1 FROM ora.sessions w WHERE l.pid = ANY (pg_blocking_pids(w.pid))) THEN 1 ELSE 0 END)::numeric AS "BLOCK" FROM ora.table_locks l GROUP BY sid, relid, pid;
CREATE VIEW "SYS"."V$TRANSACTION" AS SELECT s.sid::numeric AS "SID", a.xact_start::odate AS "START_DATE", 'ACTIVE'::text AS "STATUS" FROM ora.sessions s JOIN pg_stat_activity a ON a.pid = s.pid WHERE a.xact_start IS NOT NULL AND a.backend_xid IS NOT NULL;

CREATE VIEW ora.nls_defaults AS SELECT * FROM (VALUES ('NLS_LANGUAGE', 'AMERICAN'), ('NLS_TERRITORY', 'AMERICA'), ('NLS_CURRENCY', '$'), ('NLS_ISO_CURRENCY', 'AMERICA'), ('NLS_NUMERIC_CHARACTERS', '.,'), ('NLS_CALENDAR', 'GREGORIAN'),
  ('NLS_DATE_FORMAT', 'DD-MON-RR'), ('NLS_DATE_LANGUAGE', 'AMERICAN'), ('NLS_SORT', 'BINARY'), ('NLS_TIME_FORMAT', 'HH.MI.SSXFF AM'), ('NLS_TIMESTAMP_FORMAT', 'DD-MON-RR HH.MI.SSXFF AM'), ('NLS_TIME_TZ_FORMAT', 'HH.MI.SSXFF AM TZR'),
  ('NLS_TIMESTAMP_TZ_FORMAT', 'DD-MON-RR HH.MI.SSXFF AM TZR'), ('NLS_DUAL_CURRENCY', '$'), ('NLS_COMP', 'BINARY'), ('NLS_LENGTH_SEMANTICS', 'BYTE'), ('NLS_NCHAR_CONV_EXCP', 'FALSE')) AS n ("PARAMETER", "VALUE");
CREATE VIEW "SYS"."NLS_SESSION_PARAMETERS" AS SELECT "PARAMETER", coalesce(ora.setting(lower("PARAMETER")), "VALUE") AS "VALUE" FROM ora.nls_defaults;
CREATE VIEW "SYS"."NLS_INSTANCE_PARAMETERS" AS SELECT "PARAMETER", "VALUE" FROM ora.nls_defaults;
CREATE VIEW "SYS"."NLS_DATABASE_PARAMETERS" AS SELECT "PARAMETER", "VALUE" FROM ora.nls_defaults UNION ALL SELECT * FROM (VALUES ('NLS_CHARACTERSET', 'AL32UTF8'), ('NLS_NCHAR_CHARACTERSET', 'AL16UTF16'),
  ('NLS_RDBMS_VERSION', (SELECT value FROM ora.settings WHERE name = 'version'))) AS x (p, v);

GRANT SELECT ON "SYS"."ALL_USERS", "SYS"."USER_USERS", "SYS"."USER_PROXIES", "SYS"."SESSION_PRIVS", "SYS"."SESSION_ROLES", "SYS"."USER_SYS_PRIVS", "SYS"."USER_TAB_PRIVS", "SYS"."ALL_TAB_PRIVS", "SYS"."USER_TS_QUOTAS", "SYS"."USER_TABLESPACES",
  "SYS"."V$VERSION", "SYS"."PRODUCT_COMPONENT_VERSION", "SYS"."NLS_SESSION_PARAMETERS", "SYS"."NLS_INSTANCE_PARAMETERS", "SYS"."NLS_DATABASE_PARAMETERS" TO PUBLIC;
CREATE ROLE "ora$dictionary";
GRANT SELECT ON ALL TABLES IN SCHEMA "SYS" TO "ora$dictionary";

INSERT INTO ora.objects (relid) SELECT c.oid FROM pg_class c WHERE c.relnamespace = '"SYS"'::regnamespace AND c.relkind = 'v';
INSERT INTO ora.columns (relid, attnum, code, size, char_semantics, national, type_name)
SELECT a.attrelid, a.attnum, CASE t.typname WHEN 'numeric' THEN 2 WHEN 'odate' THEN 12 WHEN 'clob' THEN 112 ELSE 1 END, CASE t.typname WHEN 'numeric' THEN 22 WHEN 'odate' THEN 7 ELSE 4000 END, false, false,
       CASE t.typname WHEN 'numeric' THEN 'NUMBER' WHEN 'odate' THEN 'DATE' WHEN 'clob' THEN 'CLOB' ELSE 'VARCHAR2' END
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid WHERE c.relnamespace = '"SYS"'::regnamespace AND c.relkind = 'v' AND a.attnum > 0;
