-- Oracle's types that PostgreSQL lacks, as types of their own, so that every expression keeps its Oracle type:
-- odate (DATE: a timestamp without fraction), clob and blob. They share storage and code with timestamp, text and bytea.
CREATE SCHEMA ora;
GRANT USAGE ON SCHEMA ora TO PUBLIC;
SET search_path = ora;

-- STABLE, not IMMUTABLE: PostgreSQL evaluates an immutable call while planning, also in a branch of CASE never taken.
CREATE FUNCTION raise(code integer, message text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'ORA00', MESSAGE = message, DETAIL = code::pg_catalog.text;
END $$;

CREATE TYPE odate;
CREATE FUNCTION odate_in(cstring, oid, integer) RETURNS odate LANGUAGE internal IMMUTABLE STRICT AS 'timestamp_in';
CREATE FUNCTION odate_out(odate) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'timestamp_out';
CREATE TYPE odate (INPUT = odate_in, OUTPUT = odate_out, LIKE = timestamp, CATEGORY = 'D');

CREATE TYPE clob;
CREATE FUNCTION clob_in(cstring) RETURNS clob LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION clob_out(clob) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE clob (INPUT = clob_in, OUTPUT = clob_out, LIKE = text, CATEGORY = 'S', COLLATABLE = true);

CREATE TYPE blob;
CREATE FUNCTION blob_in(cstring) RETURNS blob LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION blob_out(blob) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE TYPE blob (INPUT = blob_in, OUTPUT = blob_out, LIKE = bytea);

-- ROWID in its text form of 18 characters.
CREATE TYPE rowid;
CREATE FUNCTION rowid_in(cstring) RETURNS rowid LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION rowid_out(rowid) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE rowid (INPUT = rowid_in, OUTPUT = rowid_out, LIKE = text, COLLATABLE = true);
CREATE CAST (rowid AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS rowid) WITHOUT FUNCTION AS ASSIGNMENT;

-- INTERVAL YEAR TO MONTH.
CREATE TYPE iym;
CREATE FUNCTION iym_in(cstring, oid, integer) RETURNS iym LANGUAGE internal IMMUTABLE STRICT AS 'interval_in';
CREATE FUNCTION iym_out(iym) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'interval_out';
CREATE TYPE iym (INPUT = iym_in, OUTPUT = iym_out, LIKE = interval, CATEGORY = 'T');
CREATE CAST (iym AS interval) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (interval AS iym) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION text_iym(text) RETURNS iym LANGUAGE sql IMMUTABLE STRICT RETURN $1::interval year to month;
CREATE CAST (text AS iym) WITH FUNCTION text_iym(text) AS ASSIGNMENT;
CREATE FUNCTION text_ids(text) RETURNS interval LANGUAGE sql IMMUTABLE STRICT RETURN interval_in(textout($1), 0, -1);
CREATE CAST (text AS interval) WITH FUNCTION text_ids(text) AS ASSIGNMENT;
CREATE FUNCTION plus(iym, iym) RETURNS iym LANGUAGE sql IMMUTABLE STRICT RETURN ($1::interval + $2::interval)::iym;
CREATE FUNCTION minus(iym, iym) RETURNS iym LANGUAGE sql IMMUTABLE STRICT RETURN ($1::interval - $2::interval)::iym;
CREATE OPERATOR + (PROCEDURE = plus, LEFTARG = iym, RIGHTARG = iym);
CREATE OPERATOR - (PROCEDURE = minus, LEFTARG = iym, RIGHTARG = iym);

-- CHAR keeps its blanks when it becomes VARCHAR2; PostgreSQL's own cast drops them.
DELETE FROM pg_cast WHERE castsource = 'bpchar'::regtype AND casttarget IN ('text'::regtype, 'varchar'::regtype);
CREATE CAST (bpchar AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bpchar AS varchar) WITHOUT FUNCTION AS IMPLICIT;

CREATE CAST (odate AS timestamp) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (clob AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS clob) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (blob AS bytea) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bytea AS blob) WITHOUT FUNCTION AS IMPLICIT;

-- TIMESTAMP to DATE cuts the fraction off.
CREATE FUNCTION odate_trunc(text, timestamp) RETURNS odate LANGUAGE internal IMMUTABLE STRICT AS 'timestamp_trunc';
CREATE FUNCTION to_odate(timestamp) RETURNS odate LANGUAGE sql IMMUTABLE STRICT
  RETURN odate_trunc('second', $1);
CREATE FUNCTION to_odate(timestamptz) RETURNS odate LANGUAGE sql STABLE STRICT
  RETURN odate_trunc('second', $1::timestamp);
CREATE CAST (timestamp AS odate) WITH FUNCTION to_odate(timestamp) AS ASSIGNMENT;
CREATE CAST (timestamptz AS odate) WITH FUNCTION to_odate(timestamptz) AS ASSIGNMENT;
CREATE FUNCTION to_timestamptz(odate) RETURNS timestamptz LANGUAGE sql STABLE STRICT RETURN ($1::timestamp)::timestamptz;
CREATE CAST (odate AS timestamptz) WITH FUNCTION to_timestamptz(odate) AS ASSIGNMENT;

CREATE FUNCTION odate_smaller(odate, odate) RETURNS odate LANGUAGE internal IMMUTABLE STRICT AS 'timestamp_smaller';
CREATE FUNCTION odate_larger(odate, odate) RETURNS odate LANGUAGE internal IMMUTABLE STRICT AS 'timestamp_larger';
CREATE AGGREGATE min(odate) (SFUNC = odate_smaller, STYPE = odate, COMBINEFUNC = odate_smaller, PARALLEL = SAFE);
CREATE AGGREGATE max(odate) (SFUNC = odate_larger, STYPE = odate, COMBINEFUNC = odate_larger, PARALLEL = SAFE);

-- Comparing LOBs is refused when the statement is parsed: an operator that is declared and not defined does that.
CREATE FUNCTION never(clob, clob) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN NULL::boolean;
CREATE FUNCTION never(clob, text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN NULL::boolean;
CREATE FUNCTION never(text, clob) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN NULL::boolean;
CREATE FUNCTION never(blob, blob) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN NULL::boolean;
CREATE FUNCTION never(clob, bpchar) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN NULL::boolean;
CREATE FUNCTION never(bpchar, clob) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN NULL::boolean;
CREATE OPERATOR ### (PROCEDURE = never, LEFTARG = clob, RIGHTARG = bpchar, NEGATOR = =);
CREATE OPERATOR ### (PROCEDURE = never, LEFTARG = bpchar, RIGHTARG = clob, NEGATOR = =);
CREATE OPERATOR #### (PROCEDURE = never, LEFTARG = clob, RIGHTARG = bpchar, NEGATOR = <>);
CREATE OPERATOR #### (PROCEDURE = never, LEFTARG = bpchar, RIGHTARG = clob, NEGATOR = <>);
CREATE OPERATOR ### (PROCEDURE = never, LEFTARG = clob, RIGHTARG = clob, NEGATOR = =);
CREATE OPERATOR ### (PROCEDURE = never, LEFTARG = clob, RIGHTARG = text, NEGATOR = =);
CREATE OPERATOR ### (PROCEDURE = never, LEFTARG = text, RIGHTARG = clob, NEGATOR = =);
CREATE OPERATOR ### (PROCEDURE = never, LEFTARG = blob, RIGHTARG = blob, NEGATOR = =);
CREATE OPERATOR #### (PROCEDURE = never, LEFTARG = clob, RIGHTARG = clob, NEGATOR = <>);
CREATE OPERATOR #### (PROCEDURE = never, LEFTARG = clob, RIGHTARG = text, NEGATOR = <>);
CREATE OPERATOR #### (PROCEDURE = never, LEFTARG = text, RIGHTARG = clob, NEGATOR = <>);
CREATE OPERATOR #### (PROCEDURE = never, LEFTARG = blob, RIGHTARG = blob, NEGATOR = <>);

-- Character data becomes a number or a date by itself where one is needed.
CREATE FUNCTION text_number(value text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN value ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$'
       THEN numeric_in(textout(value), 0, -1) ELSE numeric_in(textout(raise(1722, 'invalid number')), 0, -1) END;
CREATE CAST (text AS numeric) WITH FUNCTION text_number(text) AS IMPLICIT;
CREATE FUNCTION varchar_number(value varchar) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN text_number(value::text);
CREATE CAST (varchar AS numeric) WITH FUNCTION varchar_number(varchar) AS IMPLICIT;
CREATE FUNCTION bpchar_number(value bpchar) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN text_number(value::text);
CREATE CAST (bpchar AS numeric) WITH FUNCTION bpchar_number(bpchar) AS IMPLICIT;
CREATE FUNCTION clob_number(value clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN text_number(value::text);
CREATE CAST (clob AS numeric) WITH FUNCTION clob_number(clob) AS ASSIGNMENT;
CREATE FUNCTION text_float(value text) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT RETURN text_number(value)::float8;
CREATE CAST (text AS float8) WITH FUNCTION text_float(text) AS ASSIGNMENT;
CREATE FUNCTION hex_raw(value text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN value ~ '^[0-9A-Fa-f]*$' THEN decode(lpad(value, (length(value) + 1) / 2 * 2, '0'), 'hex')
       ELSE decode(raise(1465, 'invalid hex number'), 'hex') END;
CREATE CAST (text AS bytea) WITH FUNCTION hex_raw(text) AS ASSIGNMENT;
CREATE FUNCTION hex_blob(value text) RETURNS blob LANGUAGE sql IMMUTABLE STRICT RETURN hex_raw(value)::blob;
CREATE CAST (text AS blob) WITH FUNCTION hex_blob(text) AS ASSIGNMENT;

-- DATE arithmetic counts in days.
CREATE FUNCTION days(numeric) RETURNS interval LANGUAGE sql IMMUTABLE STRICT
  RETURN make_interval(secs => round($1 * 86400)::float8);
CREATE FUNCTION plus(odate, numeric) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ($1::timestamp + days($2))::odate;
CREATE FUNCTION plus(numeric, odate) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ($2::timestamp + days($1))::odate;
CREATE FUNCTION minus(odate, numeric) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ($1::timestamp - days($2))::odate;
CREATE FUNCTION minus(odate, odate) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT
  RETURN extract(epoch FROM $1::timestamp - $2::timestamp)::numeric / 86400;
CREATE FUNCTION plus(odate, interval) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ($1::timestamp + $2)::odate;
CREATE FUNCTION minus(odate, interval) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ($1::timestamp - $2)::odate;
CREATE FUNCTION plus(timestamp, numeric) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ($1 + days($2))::odate;
CREATE FUNCTION minus(timestamp, numeric) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ($1 - days($2))::odate;
CREATE FUNCTION plus(timestamptz, numeric) RETURNS odate LANGUAGE sql STABLE STRICT RETURN ($1 + days($2))::odate;
CREATE FUNCTION minus(timestamptz, numeric) RETURNS odate LANGUAGE sql STABLE STRICT RETURN ($1 - days($2))::odate;
CREATE OPERATOR + (PROCEDURE = plus, LEFTARG = odate, RIGHTARG = numeric);
CREATE OPERATOR + (PROCEDURE = plus, LEFTARG = numeric, RIGHTARG = odate);
CREATE OPERATOR - (PROCEDURE = minus, LEFTARG = odate, RIGHTARG = numeric);
CREATE OPERATOR - (PROCEDURE = minus, LEFTARG = odate, RIGHTARG = odate);
CREATE OPERATOR + (PROCEDURE = plus, LEFTARG = odate, RIGHTARG = interval);
CREATE OPERATOR - (PROCEDURE = minus, LEFTARG = odate, RIGHTARG = interval);
CREATE OPERATOR + (PROCEDURE = plus, LEFTARG = timestamp, RIGHTARG = numeric);
CREATE OPERATOR - (PROCEDURE = minus, LEFTARG = timestamp, RIGHTARG = numeric);
CREATE OPERATOR + (PROCEDURE = plus, LEFTARG = timestamptz, RIGHTARG = numeric);
CREATE OPERATOR - (PROCEDURE = minus, LEFTARG = timestamptz, RIGHTARG = numeric);

-- Character operands of arithmetic are numbers.
DO $$
DECLARE op text; sides text[];
BEGIN
  FOREACH op IN ARRAY ARRAY['+', '-', '*', '/'] LOOP
    FOREACH sides SLICE 1 IN ARRAY ARRAY[['text','numeric'], ['numeric','text'], ['text','text']] LOOP
      EXECUTE format('CREATE FUNCTION ora.%s(%s, %s) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN ($1::numeric %s $2::numeric)',
        CASE op WHEN '+' THEN 'text_plus' WHEN '-' THEN 'text_minus' WHEN '*' THEN 'text_times' ELSE 'text_over' END,
        sides[1], sides[2], op);
      EXECUTE format('CREATE OPERATOR ora.%s (PROCEDURE = ora.%s, LEFTARG = %s, RIGHTARG = %s)', op,
        CASE op WHEN '+' THEN 'text_plus' WHEN '-' THEN 'text_minus' WHEN '*' THEN 'text_times' ELSE 'text_over' END,
        sides[1], sides[2]);
    END LOOP;
  END LOOP;
END $$;
