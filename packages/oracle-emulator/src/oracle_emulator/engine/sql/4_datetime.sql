-- Dates, timestamps and intervals: Oracle's format models and arithmetic.
SET search_path = ora;

CREATE FUNCTION nls_date_format() RETURNS text LANGUAGE sql STABLE RETURN coalesce(setting('nls_date_format'), 'DD-MON-RR');
CREATE FUNCTION nls_timestamp_format() RETURNS text LANGUAGE sql STABLE RETURN
  coalesce(setting('nls_timestamp_format'), 'DD-MON-RR HH.MI.SSXFF AM');
CREATE FUNCTION nls_timestamp_tz_format() RETURNS text LANGUAGE sql STABLE RETURN
  coalesce(setting('nls_timestamp_tz_format'), 'DD-MON-RR HH.MI.SSXFF AM TZR');

-- The elements of a format model, in order; ORA-01821 for what is none.
CREATE FUNCTION format_elements(model text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  rest text := model; piece text; elements text[] := '{}';
  known text := '^(SYYYY|YYYY|RRRR|YYY|YY|RR|Y|MONTH|MON|MM|DDD|DD|DAY|DY|D|HH24|HH12|HH|MI|SSSSS|SS|FF[1-9]?|X|A\.M\.|P\.M\.|AM|PM|TZH|TZM|TZR|TZD|FM|FX|J|Q|WW|W|IW|IYYY|T|CC|"[^"]*"|[-/,.;: ])';
BEGIN
  WHILE rest <> '' LOOP
    piece := substring(upper(rest) from known);
    IF piece IS NULL THEN
      PERFORM ora.raise(1821, 'date format not recognized');
    END IF;
    elements := elements || CASE WHEN left(piece, 1) = '"' THEN left(rest, pg_catalog.length(piece)) ELSE piece END;
    rest := pg_catalog.substr(rest, pg_catalog.length(piece) + 1);
  END LOOP;
  RETURN elements;
END $$;

-- Reads a text by a format model, as strictly as Oracle does. Time zone offsets are minutes.
CREATE FUNCTION parse_datetime(value text, model text, OUT moment timestamp, OUT zone integer) LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
  rest text := value; element text; digits text; elements text[] := ora.format_elements(model);
  y integer := extract(year from statement_timestamp()); mo integer := extract(month from statement_timestamp()); d integer := 1;
  h integer := 0; mi integer := 0; s integer := 0; fraction text := ''; afternoon boolean; twelve boolean := false;
  months text[] := ARRAY['JAN','FEB','MAR','APR','MAY','JUN','JUL','AUG','SEP','OCT','NOV','DEC'];
  long_months text[] := ARRAY['JANUARY','FEBRUARY','MARCH','APRIL','MAY','JUNE','JULY','AUGUST','SEPTEMBER','OCTOBER','NOVEMBER','DECEMBER'];
  width integer; seconds integer; sign integer := 1; i integer; century integer := y / 100; tz_hour integer; tz_minute integer := 0; has_zone boolean := false;
BEGIN
  FOREACH element IN ARRAY elements LOOP
    IF element IN ('FM', 'FX') THEN CONTINUE; END IF;
    IF element IN ('-', '/', ',', '.', ';', ':', ' ', 'X') THEN
      IF element = ' ' THEN
        rest := pg_catalog.ltrim(rest);
      ELSIF rest ~ '^[[:punct:]]' THEN
        rest := pg_catalog.substr(rest, 2);
      ELSIF rest = '' THEN
        CONTINUE;
      ELSIF rest ~ '^[[:space:]]' THEN
        rest := pg_catalog.substr(rest, 2);
      ELSIF rest !~ '^[0-9]' OR element = 'X' THEN
        PERFORM ora.raise(1861, 'literal does not match format string');
      END IF;
      CONTINUE;
    END IF;
    IF left(element, 1) = '"' THEN
      IF left(rest, pg_catalog.length(element) - 2) <> pg_catalog.substr(element, 2, pg_catalog.length(element) - 2) THEN
        PERFORM ora.raise(1861, 'literal does not match format string');
      END IF;
      rest := pg_catalog.substr(rest, pg_catalog.length(element) - 1);
      CONTINUE;
    END IF;
    IF element NOT LIKE 'FF%' THEN rest := pg_catalog.ltrim(rest); END IF;
    IF rest = '' AND element NOT IN ('AM', 'PM', 'A.M.', 'P.M.') THEN
      IF element IN ('YYYY', 'SYYYY', 'RRRR', 'RR', 'YY', 'MM', 'MON', 'MONTH', 'DD', 'DDD') THEN
        PERFORM ora.raise(1840, 'input value not long enough for date format');
      END IF;
      CONTINUE;
    END IF;
    IF element IN ('MON', 'MONTH') THEN
      i := NULL;
      FOR k IN 1..12 LOOP
        IF upper(rest) LIKE long_months[k] || '%' THEN i := k; rest := pg_catalog.substr(rest, pg_catalog.length(long_months[k]) + 1); EXIT; END IF;
        IF upper(left(rest, 3)) = months[k] THEN i := k; rest := pg_catalog.substr(rest, 4); EXIT; END IF;
      END LOOP;
      IF i IS NULL THEN PERFORM ora.raise(CASE WHEN rest ~ '^[0-9]' THEN 1861 ELSE 1843 END,
        CASE WHEN rest ~ '^[0-9]' THEN 'literal does not match format string' ELSE 'not a valid month' END); END IF;
      mo := i;
      CONTINUE;
    END IF;
    IF element IN ('AM', 'PM', 'A.M.', 'P.M.') THEN
      IF rest ~* '^(A\.?M\.?|P\.?M\.?)' THEN
        afternoon := rest ~* '^P';
        rest := pg_catalog.regexp_replace(rest, '^[AaPp]\.?[Mm]\.?', '');
      ELSIF rest <> '' THEN
        PERFORM ora.raise(1855, 'AM/A.M. or PM/P.M. required');
      END IF;
      CONTINUE;
    END IF;
    IF element IN ('TZH', 'TZR') THEN
      digits := substring(rest from '^([+-]?[0-9]{1,2})');
      IF element = 'TZR' AND rest ~ '^(UTC|GMT|Z)' THEN
        has_zone := true; tz_hour := 0; rest := pg_catalog.regexp_replace(rest, '^(UTC|GMT|Z)', '');
        CONTINUE;
      END IF;
      IF digits IS NULL THEN PERFORM ora.raise(1882, 'timezone region not found'); END IF;
      has_zone := true; sign := CASE WHEN left(digits, 1) = '-' THEN -1 ELSE 1 END; tz_hour := abs(digits::integer);
      rest := pg_catalog.substr(rest, pg_catalog.length(digits) + 1);
      IF element = 'TZR' AND rest ~ '^:[0-9]{2}' THEN tz_minute := pg_catalog.substr(rest, 2, 2)::integer; rest := pg_catalog.substr(rest, 4); END IF;
      CONTINUE;
    END IF;
    width := CASE element WHEN 'YYYY' THEN 4 WHEN 'SYYYY' THEN 4 WHEN 'RRRR' THEN 4 WHEN 'YYY' THEN 3 WHEN 'DDD' THEN 3
      WHEN 'SSSSS' THEN 5 WHEN 'Y' THEN 1 WHEN 'FF' THEN 9 ELSE CASE WHEN element LIKE 'FF_' THEN right(element, 1)::integer ELSE 2 END END;
    IF element IN ('DAY', 'DY', 'D', 'Q', 'WW', 'W', 'IW', 'IYYY', 'CC', 'J', 'TZD', 'T') THEN
      PERFORM ora.raise(1820, 'format code cannot appear in date input format');
    END IF;
    IF element = 'SYYYY' AND left(rest, 1) IN ('+', '-') THEN
      IF left(rest, 1) = '-' THEN PERFORM ora.raise(3001, 'unimplemented feature: years before Christ'); END IF;
      rest := pg_catalog.substr(rest, 2);
    END IF;
    digits := substring(rest from '^[0-9]{1,' || width || '}');
    IF digits IS NULL THEN
      PERFORM ora.raise(CASE WHEN element = 'MM' THEN 1843 ELSE 1858 END,
        CASE WHEN element = 'MM' THEN 'not a valid month' ELSE 'a non-numeric character was found where a numeric was expected' END);
    END IF;
    rest := pg_catalog.substr(rest, pg_catalog.length(digits) + 1);
    CASE
      WHEN element IN ('YYYY', 'SYYYY') THEN y := digits::integer;
      WHEN element IN ('RR', 'RRRR') THEN y := CASE WHEN pg_catalog.length(digits) > 2 THEN digits::integer
        WHEN digits::integer < 50 THEN (CASE WHEN extract(year from statement_timestamp())::integer % 100 < 50 THEN century ELSE century + 1 END) * 100 + digits::integer
        ELSE (CASE WHEN extract(year from statement_timestamp())::integer % 100 < 50 THEN century - 1 ELSE century END) * 100 + digits::integer END;
      WHEN element = 'YY' THEN y := century * 100 + digits::integer;
      WHEN element = 'YYY' THEN y := y / 1000 * 1000 + digits::integer;
      WHEN element = 'Y' THEN y := y / 10 * 10 + digits::integer;
      WHEN element = 'MM' THEN mo := digits::integer;
      WHEN element = 'DD' THEN d := digits::integer;
      WHEN element = 'DDD' THEN mo := 1; d := digits::integer;
      WHEN element = 'HH24' THEN h := digits::integer;
      WHEN element IN ('HH', 'HH12') THEN h := digits::integer; twelve := true;
      WHEN element = 'MI' THEN mi := digits::integer;
      WHEN element = 'SS' THEN s := digits::integer;
      WHEN element = 'SSSSS' THEN seconds := digits::integer; h := seconds / 3600; mi := seconds / 60 % 60; s := seconds % 60;
      WHEN element LIKE 'FF%' THEN fraction := digits;
      WHEN element = 'TZM' THEN tz_minute := digits::integer;
    END CASE;
  END LOOP;
  IF pg_catalog.btrim(rest) <> '' THEN PERFORM ora.raise(1830, 'date format picture ends before converting entire input string'); END IF;
  IF y NOT BETWEEN 1 AND 9999 THEN PERFORM ora.raise(1841, '(full) year must be between -4713 and +9999, and not be 0'); END IF;
  IF mo NOT BETWEEN 1 AND 12 THEN PERFORM ora.raise(1843, 'not a valid month'); END IF;
  IF d NOT BETWEEN 1 AND 31 AND NOT 'DDD' = ANY (elements) THEN PERFORM ora.raise(1847, 'day of month must be between 1 and last day of month'); END IF;
  IF twelve AND h NOT BETWEEN 1 AND 12 THEN PERFORM ora.raise(1849, 'hour must be between 1 and 12'); END IF;
  IF h NOT BETWEEN 0 AND 23 THEN PERFORM ora.raise(1850, 'hour must be between 0 and 23'); END IF;
  IF mi NOT BETWEEN 0 AND 59 THEN PERFORM ora.raise(1851, 'minutes must be between 0 and 59'); END IF;
  IF s NOT BETWEEN 0 AND 59 THEN PERFORM ora.raise(1852, 'seconds must be between 0 and 59'); END IF;
  IF twelve THEN h := h % 12 + CASE WHEN afternoon THEN 12 ELSE 0 END; END IF;
  moment := make_timestamp(y, mo, 1, h, mi, 0) + make_interval(days => d - 1) + make_interval(secs => s)
    + CASE WHEN fraction = '' THEN interval '0' ELSE ('0.' || fraction || ' seconds')::interval END;
  IF NOT 'DDD' = ANY (elements) AND extract(month from moment)::integer <> mo THEN PERFORM ora.raise(1839, 'date not valid for month specified'); END IF;
  IF has_zone THEN zone := sign * (tz_hour * 60 + tz_minute); END IF;
END $$;

CREATE FUNCTION to_date(value text, model text) RETURNS odate LANGUAGE sql STABLE STRICT RETURN ((ora.parse_datetime(value, model)).moment)::odate;
CREATE FUNCTION to_date(value text) RETURNS odate LANGUAGE sql STABLE STRICT RETURN ora.to_date(value, ora.nls_date_format());
CREATE FUNCTION to_timestamp(value text, model text) RETURNS timestamp LANGUAGE sql STABLE STRICT RETURN (ora.parse_datetime(value, model)).moment;
CREATE FUNCTION to_timestamp(value text) RETURNS timestamp LANGUAGE sql STABLE STRICT RETURN ora.to_timestamp(value, ora.nls_timestamp_format());
CREATE FUNCTION to_timestamp_tz(value text, model text) RETURNS timestamptz LANGUAGE sql STABLE STRICT RETURN
  (SELECT CASE WHEN p.zone IS NULL THEN p.moment::timestamptz ELSE (p.moment - make_interval(mins => p.zone)) AT TIME ZONE 'UTC' END
     FROM ora.parse_datetime(value, model) p);
CREATE FUNCTION to_timestamp_tz(value text) RETURNS timestamptz LANGUAGE sql STABLE STRICT RETURN ora.to_timestamp_tz(value, ora.nls_timestamp_tz_format());
CREATE CAST (text AS odate) WITH FUNCTION to_date(text) AS IMPLICIT;
CREATE CAST (text AS timestamp) WITH FUNCTION to_timestamp(text) AS IMPLICIT;
CREATE FUNCTION bpchar_timestamp(bpchar) RETURNS timestamp LANGUAGE sql STABLE STRICT RETURN ora.to_timestamp($1::text);
CREATE CAST (bpchar AS timestamp) WITH FUNCTION bpchar_timestamp(bpchar) AS IMPLICIT;
CREATE CAST (text AS timestamptz) WITH FUNCTION to_timestamp_tz(text) AS ASSIGNMENT;

-- A DATE compared with a text: the text is read by NLS_DATE_FORMAT.
DO $$
DECLARE op text; name text; i integer := 0;
BEGIN
  FOREACH op IN ARRAY ARRAY['=', '<>', '<', '<=', '>', '>='] LOOP
    i := i + 1;
    EXECUTE format('CREATE FUNCTION ora.date_text_%s(odate, text) RETURNS boolean LANGUAGE sql STABLE STRICT RETURN $1::timestamp %s ora.to_date($2)::timestamp', i, op);
    EXECUTE format('CREATE FUNCTION ora.text_date_%s(text, odate) RETURNS boolean LANGUAGE sql STABLE STRICT RETURN ora.to_date($1)::timestamp %s $2::timestamp', i, op);
    EXECUTE format('CREATE OPERATOR ora.%s (PROCEDURE = ora.date_text_%s, LEFTARG = odate, RIGHTARG = text)', op, i);
    EXECUTE format('CREATE OPERATOR ora.%s (PROCEDURE = ora.text_date_%s, LEFTARG = text, RIGHTARG = odate)', op, i);
  END LOOP;
END $$;

-- Writes a moment by a format model; case of names follows the model.
CREATE FUNCTION format_datetime(moment timestamp, model text, zone_minutes integer DEFAULT 0) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
  element text; written text := ''; piece text; fill boolean := true; position integer := 1; source text;
BEGIN
  FOREACH element IN ARRAY ora.format_elements(model) LOOP
    source := pg_catalog.substr(model, position, pg_catalog.length(element));
    position := position + pg_catalog.length(element);
    piece := CASE
      WHEN element = 'FM' THEN NULL
      WHEN element = 'FX' THEN NULL
      WHEN element = 'X' THEN '.'
      WHEN left(element, 1) = '"' THEN pg_catalog.substr(element, 2, pg_catalog.length(element) - 2)
      WHEN element IN ('RRRR', 'SYYYY') THEN pg_catalog.to_char(moment, 'YYYY')
      WHEN element = 'RR' THEN pg_catalog.to_char(moment, 'YY')
      WHEN element = 'FF' THEN pg_catalog.to_char(moment, 'US')
      WHEN element LIKE 'FF_' THEN pg_catalog.left(pg_catalog.to_char(moment, 'US') || '000', right(element, 1)::integer)
      WHEN element IN ('A.M.', 'P.M.') THEN pg_catalog.to_char(moment, 'A.M.')
      WHEN element = 'TZR' THEN CASE WHEN zone_minutes < 0 THEN '-' ELSE '+' END || pg_catalog.to_char(abs(zone_minutes) / 60, 'FM00') || ':' || pg_catalog.to_char(abs(zone_minutes) % 60, 'FM00')
      WHEN element = 'TZH' THEN CASE WHEN zone_minutes < 0 THEN '-' ELSE '+' END || pg_catalog.to_char(abs(zone_minutes) / 60, 'FM00')
      WHEN element = 'TZM' THEN pg_catalog.to_char(abs(zone_minutes) % 60, 'FM00')
      WHEN element IN ('TZD', 'T') THEN ''
      WHEN element IN ('MON', 'MONTH', 'DY', 'DAY') THEN pg_catalog.to_char(moment,
        CASE WHEN source = upper(source) THEN element WHEN source = lower(source) THEN lower(element) ELSE initcap(element) END)
      ELSE pg_catalog.to_char(moment, element) END;
    IF element = 'FM' THEN fill := NOT fill; END IF;
    IF piece IS NOT NULL AND NOT fill AND element NOT IN (' ', 'FF') AND element NOT LIKE 'FF%' AND left(element, 1) <> '"' THEN
      piece := pg_catalog.rtrim(pg_catalog.regexp_replace(piece, '^0+([0-9])', '\1'), ' ');
    END IF;
    written := written || coalesce(piece, '');
  END LOOP;
  RETURN nullif(written, '');
END $$;
CREATE FUNCTION zone_minutes(moment timestamptz) RETURNS integer LANGUAGE sql STABLE STRICT RETURN
  (extract(epoch from (moment::timestamp - (moment AT TIME ZONE 'UTC'))) / 60)::integer;
CREATE FUNCTION to_char(odate) RETURNS text LANGUAGE sql STABLE STRICT RETURN ora.format_datetime($1::timestamp, ora.nls_date_format());
CREATE FUNCTION to_char(odate, text) RETURNS text LANGUAGE sql STABLE STRICT RETURN ora.format_datetime($1::timestamp, $2);
CREATE FUNCTION to_char(timestamp) RETURNS text LANGUAGE sql STABLE STRICT RETURN ora.format_datetime($1, ora.nls_timestamp_format());
CREATE FUNCTION to_char(timestamp, text) RETURNS text LANGUAGE sql STABLE STRICT RETURN ora.format_datetime($1, $2);
CREATE FUNCTION to_char(timestamptz) RETURNS text LANGUAGE sql STABLE STRICT RETURN
  ora.format_datetime($1::timestamp, ora.nls_timestamp_tz_format(), ora.zone_minutes($1));
CREATE FUNCTION to_char(timestamptz, text) RETURNS text LANGUAGE sql STABLE STRICT RETURN
  ora.format_datetime($1::timestamp, $2, ora.zone_minutes($1));
-- Number formats: the common digits, signs and separators, which mean the same in PostgreSQL.
CREATE FUNCTION to_char(value numeric, model text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  IF upper(model) = 'TM' OR upper(model) = 'TM9' THEN
    RETURN ora.to_char(value);
  END IF;
  IF model !~* '^(FM)?[SL$]?[0-9,.G D]*(MI|PR|S)?$' THEN
    PERFORM ora.raise(1481, 'invalid number format model');
  END IF;
  RETURN pg_catalog.to_char(value, model);
END $$;
CREATE FUNCTION to_number(value text, model text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN pg_catalog.to_number(value, model);

CREATE CAST (numeric AS text) WITH FUNCTION to_char(numeric) AS ASSIGNMENT;
CREATE CAST (odate AS text) WITH FUNCTION to_char(odate) AS ASSIGNMENT;
CREATE CAST (timestamp AS text) WITH FUNCTION to_char(timestamp) AS ASSIGNMENT;
CREATE CAST (timestamptz AS text) WITH FUNCTION to_char(timestamptz) AS ASSIGNMENT;
CREATE CAST (bytea AS text) WITH FUNCTION raw_hex(bytea) AS ASSIGNMENT;
CREATE CAST (float8 AS text) WITH FUNCTION to_char(float8) AS ASSIGNMENT;
DO $$
DECLARE kind text;
BEGIN
  FOREACH kind IN ARRAY ARRAY['odate', 'timestamp', 'timestamptz'] LOOP
    EXECUTE format('CREATE FUNCTION ora.concat(text, %1$s) RETURNS text LANGUAGE sql STABLE RETURN ora.concat($1, ora.to_char($2))', kind);
    EXECUTE format('CREATE FUNCTION ora.concat(%1$s, text) RETURNS text LANGUAGE sql STABLE RETURN ora.concat(ora.to_char($1), $2)', kind);
  END LOOP;
END $$;

CREATE FUNCTION sys_extract_utc(timestamptz) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT RETURN $1 AT TIME ZONE 'UTC';
CREATE FUNCTION numtodsinterval(value numeric, unit text) RETURNS interval LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE upper(unit) WHEN 'DAY' THEN make_interval(secs => (value * 86400)::float8) WHEN 'HOUR' THEN make_interval(secs => (value * 3600)::float8)
    WHEN 'MINUTE' THEN make_interval(secs => (value * 60)::float8) WHEN 'SECOND' THEN make_interval(secs => value::float8)
    ELSE ora.raise(1760, 'illegal argument for function')::interval END;
CREATE FUNCTION numtoyminterval(value numeric, unit text) RETURNS iym LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE upper(unit) WHEN 'YEAR' THEN make_interval(years => value::integer)::iym WHEN 'MONTH' THEN make_interval(months => value::integer)::iym
    ELSE ora.raise(1760, 'illegal argument for function')::iym END;
CREATE FUNCTION last_day(odate) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN
  (date_trunc('month', $1::timestamp) + interval '1 month - 1 day' + ($1::timestamp - date_trunc('day', $1::timestamp)))::odate;
CREATE FUNCTION last_day(timestamp) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ora.last_day($1::odate);
-- The last day of a month stays the last day.
CREATE FUNCTION add_months(odate, numeric) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN ora.last_day($1)::timestamp = $1::timestamp THEN ora.last_day(($1::timestamp + make_interval(months => trunc($2)::integer))::odate)
       ELSE ($1::timestamp + make_interval(months => trunc($2)::integer))::odate END;
CREATE FUNCTION add_months(timestamp, numeric) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ora.add_months($1::odate, $2);
CREATE FUNCTION trunc_datetime(timestamp, text) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN upper($2) IN ('YYYY', 'YEAR', 'YY', 'SYYYY') THEN date_trunc('year', $1) WHEN upper($2) IN ('MM', 'MONTH', 'MON') THEN date_trunc('month', $1)
    WHEN upper($2) IN ('DD', 'DDD', 'J') THEN date_trunc('day', $1) WHEN upper($2) IN ('HH', 'HH24', 'HH12') THEN date_trunc('hour', $1)
    WHEN upper($2) = 'MI' THEN date_trunc('minute', $1) WHEN upper($2) = 'Q' THEN date_trunc('quarter', $1) WHEN upper($2) = 'IW' THEN date_trunc('week', $1)
    ELSE (ora.raise(1898, 'too many precision specifiers'))::timestamp END::odate;
CREATE FUNCTION trunc(odate) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN date_trunc('day', $1::timestamp)::odate;
CREATE FUNCTION trunc(odate, text) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ora.trunc_datetime($1::timestamp, $2);
CREATE FUNCTION trunc(timestamp) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN date_trunc('day', $1)::odate;
CREATE FUNCTION trunc(timestamp, text) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ora.trunc_datetime($1, $2);
CREATE FUNCTION trunc(timestamptz) RETURNS odate LANGUAGE sql STABLE STRICT RETURN date_trunc('day', $1::timestamp)::odate;
CREATE FUNCTION months_between(odate, odate) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN extract(day from $1::timestamp) = extract(day from $2::timestamp)
         OR (date_trunc('day', ora.last_day($1)::timestamp) = date_trunc('day', $1::timestamp) AND date_trunc('day', ora.last_day($2)::timestamp) = date_trunc('day', $2::timestamp))
       THEN (extract(year from $1::timestamp) - extract(year from $2::timestamp)) * 12 + extract(month from $1::timestamp) - extract(month from $2::timestamp)
       ELSE (extract(year from $1::timestamp) - extract(year from $2::timestamp)) * 12 + extract(month from $1::timestamp) - extract(month from $2::timestamp)
         + (extract(epoch from $1::timestamp - date_trunc('month', $1::timestamp)) - extract(epoch from $2::timestamp - date_trunc('month', $2::timestamp))) / 2678400 END;

-- A day that the month lacks is an error, not the month's last day.
CREATE FUNCTION shifted(odate, interval) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN
  CASE WHEN extract(day from $1::timestamp + $2) = extract(day from $1::timestamp) THEN ($1::timestamp + $2)::odate
       ELSE odate_in(textout(ora.raise(1839, 'date not valid for month specified')), 0, -1) END;
CREATE FUNCTION plus(odate, iym) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ora.shifted($1, $2::interval);
CREATE FUNCTION minus(odate, iym) RETURNS odate LANGUAGE sql IMMUTABLE STRICT RETURN ora.shifted($1, -($2::interval));
CREATE OPERATOR + (PROCEDURE = plus, LEFTARG = odate, RIGHTARG = iym);
CREATE OPERATOR - (PROCEDURE = minus, LEFTARG = odate, RIGHTARG = iym);
