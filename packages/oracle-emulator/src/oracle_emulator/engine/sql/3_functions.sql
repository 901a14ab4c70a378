-- Oracle's functions where PostgreSQL's own differ. '' is NULL, so no function here returns ''.
SET search_path = ora;

-- Session
CREATE FUNCTION sysdate() RETURNS odate LANGUAGE sql STABLE RETURN (statement_timestamp() AT TIME ZONE 'UTC')::odate;
CREATE FUNCTION systimestamp() RETURNS timestamptz LANGUAGE sql STABLE RETURN statement_timestamp();
CREATE FUNCTION "current_date"() RETURNS odate LANGUAGE sql STABLE RETURN statement_timestamp()::odate;
CREATE FUNCTION "current_timestamp"() RETURNS timestamptz LANGUAGE sql STABLE RETURN statement_timestamp();
CREATE FUNCTION "localtimestamp"() RETURNS timestamp LANGUAGE sql STABLE RETURN statement_timestamp()::timestamp;
CREATE FUNCTION "session_user"() RETURNS text LANGUAGE sql STABLE RETURN setting('session_user');
CREATE FUNCTION uid() RETURNS numeric LANGUAGE sql STABLE SECURITY DEFINER RETURN
  (SELECT user_id FROM ora.users WHERE username = setting('session_user'));
CREATE FUNCTION dbtimezone() RETURNS text LANGUAGE sql STABLE RETURN '+00:00'::text;
CREATE FUNCTION sessiontimezone() RETURNS text LANGUAGE sql STABLE RETURN coalesce(setting('time_zone'), '+00:00');
CREATE FUNCTION sys_context(namespace text, parameter text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF upper(namespace) <> 'USERENV' THEN
    RETURN NULL;
  END IF;
  IF upper(parameter) NOT IN ('SESSION_USER', 'CURRENT_SCHEMA', 'CURRENT_USER', 'SID', 'SESSIONID', 'DB_NAME', 'SERVICE_NAME',
      'INSTANCE_NAME', 'INSTANCE', 'MODULE', 'ACTION', 'CLIENT_IDENTIFIER', 'CLIENT_INFO', 'HOST', 'OS_USER', 'TERMINAL',
      'CON_NAME', 'CON_ID', 'DB_UNIQUE_NAME', 'CLOUD_SERVICE', 'PROXY_USER', 'LANGUAGE', 'NLS_DATE_FORMAT', 'ISDBA',
      'NLS_TERRITORY', 'DB_DOMAIN', 'SERVER_HOST', 'AUTHENTICATION_METHOD', 'NETWORK_PROTOCOL', 'IP_ADDRESS', 'LANG') THEN
    PERFORM ora.raise(2003, 'invalid USERENV parameter');
  END IF;
  RETURN ora.setting(lower(parameter));
END $$;

-- Character
CREATE FUNCTION to_char(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN nullif($1, '');
CREATE FUNCTION to_char(varchar) RETURNS text LANGUAGE sql IMMUTABLE RETURN nullif($1::text, '');
CREATE FUNCTION to_char(bpchar) RETURNS text LANGUAGE sql IMMUTABLE RETURN textin(bpcharout($1));
CREATE FUNCTION to_char(clob) RETURNS text LANGUAGE sql IMMUTABLE RETURN nullif($1::text, '');
CREATE FUNCTION to_char(numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN
  regexp_replace(textin(numeric_out(trim_scale($1))), '^(-?)0\.', '\1.');
CREATE FUNCTION to_char(bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN $1::text;
CREATE FUNCTION to_char(integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN $1::text;
CREATE FUNCTION to_char(float8) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN ora.to_char($1::numeric);
CREATE FUNCTION to_char(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN upper(encode($1, 'hex'));
CREATE FUNCTION concat(text, text) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  CASE WHEN $1 IS NULL THEN nullif($2, '') WHEN $2 IS NULL THEN nullif($1, '') ELSE textcat($1, $2) END;
CREATE FUNCTION length(text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN nullif(pg_catalog.char_length($1), 0);
CREATE FUNCTION length(bpchar) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.char_length(textin(bpcharout($1)));
CREATE FUNCTION length(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.char_length(ora.to_char($1));
CREATE FUNCTION length(bytea) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN octet_length($1);
CREATE FUNCTION lengthb(text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN nullif(byte_length($1), 0);
CREATE FUNCTION substr(value text, start numeric, length numeric DEFAULT NULL) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  CASE WHEN value IS NULL OR start IS NULL OR length < 1 OR -trunc(start) > char_length(value) THEN NULL
       WHEN length IS NULL THEN nullif(pg_catalog.substr(value,
         (CASE WHEN trunc(start) = 0 THEN 1 WHEN start < 0 THEN char_length(value) + trunc(start) + 1 ELSE trunc(start) END)::integer), '')
       ELSE nullif(pg_catalog.substr(value,
         (CASE WHEN trunc(start) = 0 THEN 1 WHEN start < 0 THEN char_length(value) + trunc(start) + 1 ELSE trunc(start) END)::integer,
         trunc(length)::integer), '') END;
CREATE FUNCTION instr(value text, part text, start numeric DEFAULT 1, occurrence numeric DEFAULT 1) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE found integer := 0; position integer := trunc(start)::integer; step integer := 1; n integer := trunc(occurrence)::integer;
BEGIN
  IF position = 0 THEN
    RETURN 0;
  END IF;
  IF position < 0 THEN
    step := -1;
    position := pg_catalog.char_length(value) + position + 1;
  END IF;
  WHILE position BETWEEN 1 AND pg_catalog.char_length(value) LOOP
    IF pg_catalog.substr(value, position, pg_catalog.char_length(part)) = part THEN
      found := found + 1;
      IF found = n THEN
        RETURN position;
      END IF;
    END IF;
    position := position + step;
  END LOOP;
  RETURN 0;
END $$;
CREATE FUNCTION replace(value text, old text, new text DEFAULT NULL) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  CASE WHEN old IS NULL THEN value ELSE nullif(pg_catalog.replace(value, old, coalesce(new, '')), '') END;
CREATE FUNCTION translate(value text, old text, new text) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN
  nullif(pg_catalog.translate(value, old, new), '');
CREATE FUNCTION ltrim(value text, characters text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN nullif(pg_catalog.ltrim(value, characters), '');
CREATE FUNCTION rtrim(value text, characters text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN nullif(pg_catalog.rtrim(value, characters), '');
CREATE FUNCTION btrim(value text, characters text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN nullif(pg_catalog.btrim(value, characters), '');
CREATE FUNCTION lpad(value text, width numeric, fill text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN nullif(pg_catalog.lpad(value, trunc(width)::integer, fill), '');
CREATE FUNCTION rpad(value text, width numeric, fill text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN nullif(pg_catalog.rpad(value, trunc(width)::integer, fill), '');
-- The same functions of numbers and dates, which become text first.
DO $$
DECLARE signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY['numeric'] LOOP
    EXECUTE format('CREATE FUNCTION ora.concat(text, %1$s) RETURNS text LANGUAGE sql IMMUTABLE RETURN ora.concat($1, ora.to_char($2))', signature);
    EXECUTE format('CREATE FUNCTION ora.concat(%1$s, text) RETURNS text LANGUAGE sql IMMUTABLE RETURN ora.concat(ora.to_char($1), $2)', signature);
    EXECUTE format('CREATE FUNCTION ora.concat(%1$s, %1$s) RETURNS text LANGUAGE sql IMMUTABLE RETURN ora.concat(ora.to_char($1), ora.to_char($2))', signature);
  END LOOP;
END $$;
CREATE FUNCTION substr(value numeric, start numeric, length numeric DEFAULT NULL) RETURNS text LANGUAGE sql IMMUTABLE RETURN ora.substr(ora.to_char(value), start, length);
CREATE FUNCTION lpad(value numeric, width numeric, fill text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE RETURN ora.lpad(ora.to_char(value), width, fill);
CREATE FUNCTION rpad(value numeric, width numeric, fill text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE RETURN ora.rpad(ora.to_char(value), width, fill);
CREATE FUNCTION chr(code numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN trunc(code) = 0 THEN U&'\FDD0' ELSE pg_catalog.chr(trunc(code)::integer) END;
CREATE FUNCTION regexp_replace(value text, pattern text, new text DEFAULT NULL) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  nullif(pg_catalog.regexp_replace(value, pattern, coalesce(new, ''), 'g'), '');
CREATE FUNCTION regexp_substr(value text, pattern text) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN
  nullif(pg_catalog.regexp_substr(value, pattern), '');

-- Numbers
CREATE FUNCTION divide(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN $2 = 0 THEN $1 / $2 ELSE trim_scale(round($1 * 1.0000000000000000000000000000000000000000 / $2,
    greatest(0, 39 - CASE WHEN $1 = 0 THEN 0 ELSE floor(log(abs($1)) - log(abs($2)))::integer END))) END;
CREATE FUNCTION divide(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT RETURN $1 / $2;
CREATE FUNCTION divide(interval, numeric) RETURNS interval LANGUAGE sql IMMUTABLE STRICT RETURN $1 / $2::float8;
CREATE FUNCTION round(value numeric, digits numeric DEFAULT 0) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.round(value, trunc(digits)::integer);
CREATE FUNCTION trunc(value numeric, digits numeric DEFAULT 0) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.trunc(value, trunc(digits)::integer);
CREATE FUNCTION ceil(value numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.ceil(value);
CREATE FUNCTION floor(value numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.floor(value);
CREATE FUNCTION mod(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN CASE WHEN $2 = 0 THEN $1 ELSE pg_catalog.mod($1, $2) END;
CREATE FUNCTION power(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN trim_scale(pg_catalog.power($1, $2));
CREATE FUNCTION sqrt(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN trim_scale(pg_catalog.sqrt($1));
CREATE FUNCTION to_number(text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN text_number($1);
CREATE FUNCTION to_number(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN $1;

-- LOBs and RAW
CREATE FUNCTION to_clob(text) RETURNS clob LANGUAGE sql IMMUTABLE RETURN nullif($1, '')::clob;
CREATE FUNCTION to_clob(numeric) RETURNS clob LANGUAGE sql IMMUTABLE RETURN ora.to_char($1)::clob;
CREATE FUNCTION to_blob(bytea) RETURNS blob LANGUAGE sql IMMUTABLE RETURN $1::blob;
CREATE FUNCTION to_blob(blob) RETURNS blob LANGUAGE sql IMMUTABLE RETURN $1;
CREATE FUNCTION empty_clob() RETURNS clob LANGUAGE sql IMMUTABLE RETURN ''::clob;
CREATE FUNCTION empty_blob() RETURNS blob LANGUAGE sql IMMUTABLE RETURN ''::blob;
CREATE FUNCTION raw_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN upper(encode($1, 'hex'));
CREATE FUNCTION sys_guid() RETURNS bytea LANGUAGE sql VOLATILE RETURN uuid_send(gen_random_uuid());
-- NULL when either side is NULL, as DBMS_LOB.COMPARE says.
CREATE FUNCTION lob_compare(clob, clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN $1::text = $2::text THEN 0 WHEN $1::text < $2::text THEN -1 ELSE 1 END;
CREATE FUNCTION lob_compare(blob, blob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN $1::bytea = $2::bytea THEN 0 WHEN $1::bytea < $2::bytea THEN -1 ELSE 1 END;
CREATE FUNCTION lob_length(clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.char_length($1::text);
CREATE FUNCTION lob_length(blob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN octet_length($1::bytea);
CREATE FUNCTION lob_substr(value clob, amount numeric DEFAULT 32767, start numeric DEFAULT 1) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN
  nullif(pg_catalog.substr(value::text, trunc(start)::integer, trunc(amount)::integer), '');
CREATE FUNCTION lob_substr(value blob, amount numeric DEFAULT 32767, start numeric DEFAULT 1) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN
  pg_catalog.substr(value::bytea, trunc(start)::integer, trunc(amount)::integer);
