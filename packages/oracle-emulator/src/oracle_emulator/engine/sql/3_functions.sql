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
CREATE FUNCTION cast_to_raw(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN convert_to($1, 'UTF8');
CREATE FUNCTION cast_to_varchar2(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN convert_from($1, 'UTF8');
CREATE FUNCTION raw_length(bytea) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN octet_length($1);
CREATE FUNCTION empty_clob() RETURNS clob LANGUAGE sql IMMUTABLE RETURN ''::clob;
CREATE FUNCTION empty_blob() RETURNS blob LANGUAGE sql IMMUTABLE RETURN ''::blob;
CREATE FUNCTION raw_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN upper(encode($1, 'hex'));
CREATE FUNCTION sys_guid() RETURNS bytea LANGUAGE sql VOLATILE RETURN uuid_send(gen_random_uuid());
-- NULL when either side is NULL, as DBMS_LOB.COMPARE says.
CREATE FUNCTION lob_compare(clob, clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN $1::text = $2::text THEN 0 WHEN $1::text < $2::text THEN -1 ELSE 1 END;
CREATE FUNCTION lob_compare(blob, blob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN $1::bytea = $2::bytea THEN 0 WHEN $1::bytea < $2::bytea THEN -1 ELSE 1 END;
-- With an amount and offsets: NULL where one of them is less than 1.
CREATE FUNCTION lob_compare(clob, clob, amount numeric, offset_1 numeric DEFAULT 1, offset_2 numeric DEFAULT 1) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN least(amount, offset_1, offset_2) >= 1 THEN lob_compare(
    pg_catalog.substr($1::text, trunc(offset_1)::integer, least(trunc(amount), 1073741823)::integer)::clob, pg_catalog.substr($2::text, trunc(offset_2)::integer, least(trunc(amount), 1073741823)::integer)::clob) END;
CREATE FUNCTION lob_compare(blob, blob, amount numeric, offset_1 numeric DEFAULT 1, offset_2 numeric DEFAULT 1) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN least(amount, offset_1, offset_2) >= 1 THEN lob_compare(
    pg_catalog.substr($1::bytea, trunc(offset_1)::integer, least(trunc(amount), 1073741823)::integer)::blob, pg_catalog.substr($2::bytea, trunc(offset_2)::integer, least(trunc(amount), 1073741823)::integer)::blob) END;
CREATE FUNCTION lob_length(clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.char_length($1::text);
CREATE FUNCTION lob_length(blob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN octet_length($1::bytea);
CREATE FUNCTION lob_substr(value clob, amount numeric DEFAULT 32767, start numeric DEFAULT 1) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN
  nullif(pg_catalog.substr(value::text, trunc(start)::integer, trunc(amount)::integer), '');
CREATE FUNCTION lob_substr(value blob, amount numeric DEFAULT 32767, start numeric DEFAULT 1) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN
  pg_catalog.substr(value::bytea, trunc(start)::integer, trunc(amount)::integer);

-- ROWID: object, file, block and row of PostgreSQL's ctid, written as Oracle writes them. It changes when the row does.
CREATE FUNCTION rowid_digits(value bigint, width integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN
  left(encode(substring(int8send(value << (CASE width WHEN 6 THEN 4 ELSE 6 END)) from CASE width WHEN 6 THEN 4 ELSE 6 END), 'base64'), width);
CREATE FUNCTION rowid_of(relid oid, place tid) RETURNS rowid LANGUAGE sql IMMUTABLE STRICT RETURN
  (rowid_digits(relid::bigint, 6) || rowid_digits(1, 3) || rowid_digits(((place::text::point)[0])::bigint, 6)
   || rowid_digits(((place::text::point)[1])::bigint, 3))::rowid;
CREATE FUNCTION to_rowid(text) RETURNS rowid LANGUAGE sql IMMUTABLE STRICT RETURN $1::rowid;
CREATE FUNCTION rowid_text(rowid) RETURNS text LANGUAGE sql IMMUTABLE STRICT RETURN $1::text;

-- STANDARD_HASH: digests over the bytes in which Oracle stores a value.
CREATE FUNCTION sha1(message bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520]; w bigint[]; a bigint; b bigint; c bigint; d bigint; e bigint;
  f bigint; k bigint; t bigint; m constant bigint := 4294967295; n integer := octet_length(message); padded bytea;
BEGIN
  padded := message || '\x80'::bytea || decode(repeat('00', (119 - n % 64) % 64), 'hex') || int8send(n::bigint * 8);
  FOR block IN 0 .. octet_length(padded) / 64 - 1 LOOP
    FOR i IN 0 .. 15 LOOP
      t := block * 64 + i * 4;
      w[i] := (get_byte(padded, t::integer)::bigint << 24) | (get_byte(padded, t::integer + 1) << 16) | (get_byte(padded, t::integer + 2) << 8) | get_byte(padded, t::integer + 3);
    END LOOP;
    FOR i IN 16 .. 79 LOOP
      t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
      w[i] := ((t << 1) | (t >> 31)) & m;
    END LOOP;
    a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
    FOR i IN 0 .. 79 LOOP
      IF i < 20 THEN f := (b & c) | ((b # m) & d); k := 1518500249;
      ELSIF i < 40 THEN f := b # c # d; k := 1859775393;
      ELSIF i < 60 THEN f := (b & c) | (b & d) | (c & d); k := 2400959708;
      ELSE f := b # c # d; k := 3395469782; END IF;
      t := ((((a << 5) | (a >> 27)) & m) + f + e + k + w[i]) & m;
      e := d; d := c; c := ((b << 30) | (b >> 2)) & m; b := a; a := t;
    END LOOP;
    h := ARRAY[(h[1] + a) & m, (h[2] + b) & m, (h[3] + c) & m, (h[4] + d) & m, (h[5] + e) & m];
  END LOOP;
  RETURN int4send((h[1] - CASE WHEN h[1] > 2147483647 THEN 4294967296 ELSE 0 END)::integer) || int4send((h[2] - CASE WHEN h[2] > 2147483647 THEN 4294967296 ELSE 0 END)::integer)
    || int4send((h[3] - CASE WHEN h[3] > 2147483647 THEN 4294967296 ELSE 0 END)::integer) || int4send((h[4] - CASE WHEN h[4] > 2147483647 THEN 4294967296 ELSE 0 END)::integer)
    || int4send((h[5] - CASE WHEN h[5] > 2147483647 THEN 4294967296 ELSE 0 END)::integer);
END $$;
CREATE FUNCTION byte(integer) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN substring(int4send($1) from 4);
-- A NUMBER: exponent byte, then base-100 digits plus one; of a negative number the complement, ended by 102.
CREATE FUNCTION canonical(value numeric) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  digits text := trim_scale(abs(value))::text; whole text; part text; pairs text; power integer; written bytea; pair integer;
BEGIN
  IF value = 0 THEN RETURN '\x80'::bytea; END IF;
  whole := pg_catalog.ltrim(split_part(digits, '.', 1), '0'); part := split_part(digits, '.', 2);
  IF pg_catalog.length(whole) % 2 = 1 THEN whole := '0' || whole; END IF;
  IF pg_catalog.length(part) % 2 = 1 THEN part := part || '0'; END IF;
  pairs := whole || part; power := pg_catalog.length(whole) / 2 - 1;
  WHILE left(pairs, 2) = '00' LOOP pairs := pg_catalog.substr(pairs, 3); power := power - 1; END LOOP;
  WHILE right(pairs, 2) = '00' LOOP pairs := left(pairs, -2); END LOOP;
  written := byte(CASE WHEN value > 0 THEN 193 + power ELSE 62 - power END);
  FOR i IN 0 .. pg_catalog.length(pairs) / 2 - 1 LOOP
    pair := pg_catalog.substr(pairs, 2 * i + 1, 2)::integer;
    written := written || byte(CASE WHEN value > 0 THEN pair + 1 ELSE 101 - pair END);
  END LOOP;
  RETURN CASE WHEN value < 0 AND pg_catalog.length(pairs) < 40 THEN written || '\x66'::bytea ELSE written END;
END $$;
-- A DATE has seven bytes; a TIMESTAMP four more with nanoseconds, unless they are zero.
CREATE FUNCTION canonical(moment timestamp) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN
  byte(extract(year from moment)::integer / 100 + 100) || byte(extract(year from moment)::integer % 100 + 100) || byte(extract(month from moment)::integer)
  || byte(extract(day from moment)::integer) || byte(extract(hour from moment)::integer + 1) || byte(extract(minute from moment)::integer + 1)
  || byte(pg_catalog.floor(extract(second from moment))::integer + 1)
  || CASE WHEN extract(microseconds from moment)::integer % 1000000 = 0 THEN ''::bytea ELSE int4send(extract(microseconds from moment)::integer % 1000000 * 1000) END;
CREATE FUNCTION canonical(odate) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN canonical($1::timestamp);
CREATE FUNCTION canonical(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN convert_to($1, 'UTF8');
CREATE FUNCTION canonical(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN $1;
CREATE FUNCTION canonical(clob) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN convert_to(raise(902, 'invalid datatype'), 'UTF8');
CREATE FUNCTION digest(value bytea, method text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE upper(method) WHEN 'SHA1' THEN ora.sha1(coalesce(value, '')) WHEN 'MD5' THEN decode(md5(coalesce(value, '')), 'hex') WHEN 'SHA256' THEN sha256(coalesce(value, ''))
    WHEN 'SHA384' THEN sha384(coalesce(value, '')) WHEN 'SHA512' THEN sha512(coalesce(value, '')) ELSE decode(ora.raise(904, 'invalid identifier'), 'hex') END;
END $$;
DO $do$
DECLARE kind text;
BEGIN
  FOREACH kind IN ARRAY ARRAY['text', 'numeric', 'odate', 'timestamp', 'bytea', 'clob'] LOOP
    EXECUTE format('CREATE FUNCTION ora.standard_hash(%s, method text DEFAULT ''SHA1'') RETURNS bytea LANGUAGE sql STABLE RETURN ora.digest(ora.canonical($1), method)', kind);
  END LOOP;
END $do$;

CREATE FUNCTION bitand(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN ($1::bigint & $2::bigint)::numeric;
CREATE FUNCTION exp(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.exp($1);
CREATE FUNCTION ln(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.ln($1);
CREATE FUNCTION vsize(text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN ora.byte_length($1);
CREATE FUNCTION vsize(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN octet_length(ora.canonical($1));
CREATE FUNCTION vsize(odate) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN 7::numeric;
CREATE FUNCTION nanvl(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN $1;
CREATE FUNCTION nanvl(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT RETURN CASE WHEN $1 = 'NaN'::float8 THEN $2 ELSE $1 END;
CREATE FUNCTION regexp_count(text, text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.regexp_count($1, $2);
CREATE FUNCTION to_binary_double(text) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT RETURN float8in(textout($1));
CREATE FUNCTION to_binary_double(numeric) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT RETURN $1::float8;
CREATE FUNCTION to_binary_double(float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT RETURN $1;
CREATE FUNCTION to_binary_float(text) RETURNS real LANGUAGE sql IMMUTABLE STRICT RETURN float4in(textout($1));
CREATE FUNCTION to_binary_float(numeric) RETURNS real LANGUAGE sql IMMUTABLE STRICT RETURN $1::real;
CREATE FUNCTION to_binary_float(float8) RETURNS real LANGUAGE sql IMMUTABLE STRICT RETURN $1::real;
-- Counts bytes; half a character at either end becomes blanks.
CREATE FUNCTION substrb(value text, start numeric, length numeric DEFAULT NULL) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE result text := ''; at integer := 1; size integer; piece text; low integer; high integer; total integer := octet_length(value);
BEGIN
  low := CASE WHEN start < 0 THEN total + trunc(start) + 1 WHEN trunc(start) = 0 THEN 1 ELSE trunc(start) END;
  high := CASE WHEN length IS NULL THEN total ELSE low + trunc(length) - 1 END;
  IF value IS NULL OR start IS NULL OR low < 1 THEN RETURN NULL; END IF;
  FOREACH piece IN ARRAY regexp_split_to_array(value, '') LOOP
    size := octet_length(piece);
    IF at >= low AND at + size - 1 <= high THEN result := result || piece;
    ELSE result := result || repeat(' ', greatest(0, least(at + size - 1, high) - greatest(at, low) + 1)); END IF;
    at := at + size;
  END LOOP;
  RETURN nullif(result, '');
END $$;
