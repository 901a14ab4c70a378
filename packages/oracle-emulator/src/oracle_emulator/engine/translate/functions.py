"""Oracle's functions: what each means in PostgreSQL.

A name that is not here does not exist (ORA-00904) or is not supported (ORA-03001). The functions
in schema `ora` (sql/*.sql) carry the meaning where PostgreSQL's own differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.translate import build

Arguments = list[exp.Expr]
Builder = Callable[[Arguments], exp.Expr]

# Aggregates and analytic functions that PostgreSQL has under the same name and meaning: name ->
# (least, most) arguments.
_NATIVE: Mapping[str, tuple[int, int]] = {
    "COUNT": (1, 1),
    "SUM": (1, 1),
    "AVG": (1, 1),
    "MIN": (1, 1),
    "MAX": (1, 1),
    "STDDEV": (1, 1),
    "STDDEV_POP": (1, 1),
    "STDDEV_SAMP": (1, 1),
    "VARIANCE": (1, 1),
    "VAR_POP": (1, 1),
    "VAR_SAMP": (1, 1),
    "ROW_NUMBER": (0, 0),
    "RANK": (0, 0),
    "DENSE_RANK": (0, 0),
    "PERCENT_RANK": (0, 0),
    "CUME_DIST": (0, 0),
    "FIRST_VALUE": (1, 1),
    "LAST_VALUE": (1, 1),
    "COALESCE": (2, 255),
    "NULLIF": (2, 2),
    "ABS": (1, 1),
    "UPPER": (1, 1),
    "LOWER": (1, 1),
    "INITCAP": (1, 1),
    "SIGN": (1, 1),
    "ASCII": (1, 1),
}

# Functions written for this emulator: Oracle name -> (name in schema ora, least, most arguments).
_OWN: Mapping[str, tuple[str, int, int]] = {
    "LENGTH": ("length", 1, 1),
    "LENGTHB": ("lengthb", 1, 1),
    "SUBSTR": ("substr", 2, 3),
    "SUBSTRB": ("substrb", 2, 3),
    "INSTR": ("instr", 2, 4),
    "REPLACE": ("replace", 2, 3),
    "TRANSLATE": ("translate", 3, 3),
    "LTRIM": ("ltrim", 1, 2),
    "RTRIM": ("rtrim", 1, 2),
    "LPAD": ("lpad", 2, 3),
    "RPAD": ("rpad", 2, 3),
    "CHR": ("chr", 1, 1),
    "CONCAT": ("concat", 2, 2),
    "REGEXP_REPLACE": ("regexp_replace", 2, 3),
    "REGEXP_SUBSTR": ("regexp_substr", 2, 2),
    "ROUND": ("round", 1, 2),
    "TRUNC": ("trunc", 1, 2),
    "CEIL": ("ceil", 1, 1),
    "FLOOR": ("floor", 1, 1),
    "MOD": ("mod", 2, 2),
    "POWER": ("power", 2, 2),
    "SQRT": ("sqrt", 1, 1),
    "TO_CHAR": ("to_char", 1, 2),
    "TO_NUMBER": ("to_number", 1, 2),
    "TO_DATE": ("to_date", 1, 2),
    "TO_TIMESTAMP": ("to_timestamp", 1, 2),
    "TO_TIMESTAMP_TZ": ("to_timestamp_tz", 1, 2),
    "TO_CLOB": ("to_clob", 1, 1),
    "TO_BLOB": ("to_blob", 1, 1),
    "STANDARD_HASH": ("standard_hash", 1, 2),
    "CHARTOROWID": ("to_rowid", 1, 1),
    "ROWIDTOCHAR": ("rowid_text", 1, 1),
    "BITAND": ("bitand", 2, 2),
    "EXP": ("exp", 1, 1),
    "LN": ("ln", 1, 1),
    "VSIZE": ("vsize", 1, 1),
    "NANVL": ("nanvl", 2, 2),
    "REGEXP_COUNT": ("regexp_count", 2, 2),
    "TO_NCHAR": ("to_char", 1, 2),
    "TO_NCLOB": ("to_clob", 1, 1),
    "TO_BINARY_DOUBLE": ("to_binary_double", 1, 1),
    "TO_BINARY_FLOAT": ("to_binary_float", 1, 1),
    "HEXTORAW": ("hex_raw", 1, 1),
    "RAWTOHEX": ("raw_hex", 1, 1),
    "SYS_GUID": ("sys_guid", 0, 0),
    "SYS_EXTRACT_UTC": ("sys_extract_utc", 1, 1),
    "NUMTODSINTERVAL": ("numtodsinterval", 2, 2),
    "NUMTOYMINTERVAL": ("numtoyminterval", 2, 2),
    "ADD_MONTHS": ("add_months", 2, 2),
    "MONTHS_BETWEEN": ("months_between", 2, 2),
    "LAST_DAY": ("last_day", 1, 1),
    "SYS_CONTEXT": ("sys_context", 2, 2),
    "DBMS_LOB.COMPARE": ("lob_compare", 2, 5),
    "DBMS_LOB.GETLENGTH": ("lob_length", 1, 1),
    "DBMS_LOB.SUBSTR": ("lob_substr", 1, 3),
    "DBMS_LOB.INSTR": ("instr", 2, 4),
    "UTL_RAW.CAST_TO_RAW": ("cast_to_raw", 1, 1),
    "UTL_RAW.CAST_TO_VARCHAR2": ("cast_to_varchar2", 1, 1),
    "UTL_RAW.LENGTH": ("raw_length", 1, 1),
    "EMPTY_CLOB": ("empty_clob", 0, 0),
    "EMPTY_BLOB": ("empty_blob", 0, 0),
}

# Oracle has them, the emulator has not: that is another answer than for a name that nobody knows.
_NOT_HERE = frozenset(
    {
        "ACOS",
        "APPROX_COUNT_DISTINCT",
        "ASCIISTR",
        "ASIN",
        "ATAN",
        "ATAN2",
        "BFILENAME",
        "BIN_TO_NUM",
    }
    | {"CARDINALITY", "COLLECT", "COMPOSE", "CONVERT", "CORR", "COS", "COSH", "COVAR_POP"}
    | {"COVAR_SAMP", "DECOMPOSE", "DUMP", "EXTRACTVALUE", "FROM_TZ", "GROUPING", "GROUPING_ID"}
    | {"JSON_ARRAY", "JSON_ARRAYAGG", "JSON_OBJECT", "JSON_OBJECTAGG", "JSON_QUERY", "JSON_TABLE"}
    | {"JSON_VALUE", "LNNVL", "MEDIAN", "NCHR", "NEW_TIME", "NEXT_DAY", "NLSSORT", "NLS_INITCAP"}
    | {"NLS_LOWER", "NLS_UPPER", "NTH_VALUE", "ORA_HASH", "PERCENTILE_CONT", "PERCENTILE_DISC"}
    | {"RATIO_TO_REPORT", "RAWTONHEX", "REGEXP_INSTR", "REMAINDER", "SCN_TO_TIMESTAMP", "SIN"}
    | {"SINH", "SOUNDEX", "STATS_MODE", "SYS_CONNECT_BY_PATH", "SYS_TYPEID", "TAN", "TANH"}
    | {"TO_DSINTERVAL", "TO_LOB", "TO_MULTI_BYTE", "TO_SINGLE_BYTE", "TO_YMINTERVAL", "TZ_OFFSET"}
    | {"UNISTR", "USERENV", "VALIDATE_CONVERSION", "WIDTH_BUCKET", "XMLAGG", "XMLELEMENT"}
)

# Words that are functions without parentheses.
_WORDS: Mapping[str, str] = {
    "USER": "session_user",
    "UID": "uid",
    "DBTIMEZONE": "dbtimezone",
    "SESSIONTIMEZONE": "sessiontimezone",
}


def word(name: str) -> exp.Expr | None:
    """The function that an unquoted word stands for, or None when it is an identifier."""
    function = _WORDS.get(name)
    return None if function is None else build.call(function)


def call(name: str, arguments: Arguments) -> exp.Expr:
    """Translate a function call.

    Raises ORA-00904 for an unknown name and ORA-00909 for a wrong number of arguments.
    """
    builder = _BUILDERS.get(name)
    if builder is not None:
        return builder(arguments)
    if name in _NATIVE:
        return build.builtin(name.lower(), *_counted(arguments, *_NATIVE[name]))
    if name in _OWN:
        own, least, most = _OWN[name]
        return build.call(own, *_counted(arguments, least, most))
    if name in _NOT_HERE:
        raise unsupported(f"function {name}")
    shown = ".".join(f'"{part}"' for part in name.split("."))
    raise error(904, shown)


def _counted(arguments: Arguments, least: int, most: int) -> Arguments:
    if len(arguments) < least:
        raise error(938 if arguments else 909)
    if len(arguments) > most:
        raise error(909)
    return arguments


def same(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Equality to which NULL is equal to NULL, as in DECODE."""
    if isinstance(right, exp.Cast) and isinstance(right.this, exp.Literal):
        return exp.EQ(this=left.copy(), expression=right)
    return exp.NullSafeEQ(this=left.copy(), expression=right)


def _decode(arguments: Arguments) -> exp.Expr:
    if len(arguments) < 3:
        raise error(938)
    subject, rest = arguments[0], arguments[1:]
    pairs = [(rest[i], rest[i + 1]) for i in range(0, len(rest) - 1, 2)]
    default = rest[-1] if len(rest) % 2 else None
    branches = [exp.If(this=same(subject, search), true=result) for search, result in pairs]
    return exp.Case(ifs=branches, default=default)


def _nvl(arguments: Arguments) -> exp.Expr:
    return build.builtin("coalesce", *_counted(arguments, 2, 2))


def _nvl2(arguments: Arguments) -> exp.Expr:
    subject, present, absent = _counted(arguments, 3, 3)
    known = exp.Not(this=exp.Is(this=subject, expression=exp.Null()))
    return exp.Case(ifs=[exp.If(this=known, true=present)], default=absent)


def _extreme(native: str) -> Builder:
    def builder(arguments: Arguments) -> exp.Expr:
        """GREATEST and LEAST are NULL when any argument is; PostgreSQL's ignore NULLs."""
        _counted(arguments, 1, 255)
        missing: exp.Expr = exp.Is(this=arguments[0].copy(), expression=exp.Null())
        for argument in arguments[1:]:
            missing = exp.Or(
                this=missing, expression=exp.Is(this=argument.copy(), expression=exp.Null())
            )
        return exp.Case(
            ifs=[exp.If(this=missing, true=exp.Null())], default=build.builtin(native, *arguments)
        )

    return builder


def _offset(native: str) -> Builder:
    def builder(arguments: Arguments) -> exp.Expr:
        """LAG and LEAD: the offset is an integer to PostgreSQL."""
        _counted(arguments, 1, 3)
        changed = list(arguments)
        if len(changed) > 1:
            changed[1] = build.cast(changed[1], "integer")
        return build.builtin(native, *changed)

    return builder


def _ntile(arguments: Arguments) -> exp.Expr:
    (buckets,) = _counted(arguments, 1, 1)
    return build.builtin("ntile", build.cast(buckets, "integer"))


def _regexp_like(arguments: Arguments) -> exp.Expr:
    if len(_counted(arguments, 2, 3)) == 3:
        raise unsupported("REGEXP_LIKE with match parameter")
    return exp.RegexpLike(this=arguments[0], expression=arguments[1])


def _all_of(arguments: Arguments) -> exp.Expr:
    return exp.All(this=exp.Paren(this=exp.Array(expressions=arguments)))


_BUILDERS: Mapping[str, Builder] = {
    "DECODE": _decode,
    "NVL": _nvl,
    "NVL2": _nvl2,
    "GREATEST": _extreme("greatest"),
    "LEAST": _extreme("least"),
    "LAG": _offset("lag"),
    "LEAD": _offset("lead"),
    "NTILE": _ntile,
    "ALL": _all_of,
    "REGEXP_LIKE": _regexp_like,
}
