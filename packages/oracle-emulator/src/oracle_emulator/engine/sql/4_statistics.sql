-- What the wire knows of sessions: statistics, which it counts and writes here before a statement reads
-- them, and application contexts.
CREATE UNLOGGED TABLE ora.session_statistics (sid int NOT NULL, name text NOT NULL, value bigint NOT NULL, PRIMARY KEY (sid, name));
CREATE TABLE ora.statistic_names (number int PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO ora.statistic_names SELECT number, name FROM unnest(ARRAY[
  'parse count (total)', 'execute count', 'bytes sent via SQL*Net to client', 'bytes received via SQL*Net from client',
  'SQL*Net roundtrips to/from client']) WITH ORDINALITY AS s (name, number);
CREATE VIEW "SYS"."V$STATNAME" AS SELECT number::numeric AS "STATISTIC#", name AS "NAME", 1::numeric AS "CLASS" FROM ora.statistic_names;
CREATE VIEW "SYS"."V$SESSTAT" AS SELECT v.sid::numeric AS "SID", n.number::numeric AS "STATISTIC#", v.value::numeric AS "VALUE"
  FROM ora.session_statistics v JOIN ora.statistic_names n ON n.name = v.name;
CREATE VIEW "SYS"."V$MYSTAT" AS SELECT * FROM "SYS"."V$SESSTAT" WHERE "SID" = ora.setting('sid')::numeric;

ALTER FUNCTION ora.sys_context(text, text) RENAME TO userenv_context;
CREATE FUNCTION ora.sys_context(namespace text, parameter text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF upper(namespace) = 'CLIENTCONTEXT' THEN
    RETURN ora.setting('clientcontext.' || lower(parameter));
  END IF;
  RETURN ora.userenv_context(namespace, parameter);
END $$;
