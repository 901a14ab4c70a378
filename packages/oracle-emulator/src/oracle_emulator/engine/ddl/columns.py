"""Column definitions, data types and constraints, as CREATE TABLE and ALTER TABLE state them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oracle_emulator.engine import types
from oracle_emulator.engine.ddl.reader import Reader
from oracle_emulator.engine.ddl.statements import ColumnDefinition, Constraint, CreateSequence
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.interface import OracleType, TypeCode
from oracle_emulator.engine.scanner import Lexeme
from oracle_emulator.engine.types import DataType

_EXPRESSION_STOPS = (
    "NOT",
    "NULL",
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "CHECK",
    "REFERENCES",
    "ENABLE",
    "DISABLE",
)
_STATES = (
    "ENABLE",
    "VALIDATE",
    "NOVALIDATE",
    "RELY",
    "NORELY",
    "NOT DEFERRABLE",
    "INITIALLY IMMEDIATE",
)


def data_type(reader: Reader) -> DataType:
    """Read a data type.

    Raises ORA-00902 for a word that is none, ORA-00910 and others for its limits.
    """
    token = reader.advance()
    name = token.value if token.lexeme is Lexeme.WORD else ""
    if name == "LONG" and reader.accept("RAW"):
        return DataType("LONG RAW", OracleType(TypeCode.LONG_RAW), "ora.blob")
    plain = types.PLAIN_TYPES.get({"INT": "INTEGER", "SMALLINT": "INTEGER"}.get(name, name))
    if plain is not None:
        return plain
    if name in {"BOOLEAN", "BOOL"} and reader.capabilities.boolean:
        return types.BOOLEAN
    sized = _SIZED.get(name)
    if sized is None:
        raise error(902, offset=token.start)
    return sized(reader, name)


def _size(reader: Reader) -> int:
    if not reader.accept("("):
        raise error(906, offset=reader.offset)
    size = reader.integer()
    reader.expect(")", code=907)
    return size


def _number(reader: Reader, name: str) -> DataType:
    precision = scale = None
    if reader.accept("("):
        precision = 38 if reader.accept("*") else reader.integer(1727)
        scale = reader.integer(1728) if reader.accept(",") else 0
        reader.expect(")", code=907)
        return types.number(precision, scale)
    return types.number(None, None) if name == "NUMBER" else types.PLAIN_TYPES["INTEGER"]


def _characters(reader: Reader, name: str) -> DataType:
    if name == "CHARACTER" and reader.accept("VARYING"):
        name = "VARCHAR2"
    fixed, national = name in {"CHAR", "CHARACTER", "NCHAR"}, name.startswith("N")
    if not reader.peek("("):
        if not fixed:
            raise error(906, offset=reader.offset)
        return types.char(1, national=national)
    reader.expect("(")
    size = reader.integer()
    in_characters = reader.one_of("BYTE", "CHAR") == "CHAR"
    reader.expect(")", code=907)
    if fixed:
        return types.char(size, in_characters=in_characters, national=national)
    return types.varchar(
        size,
        in_characters=in_characters,
        national=national,
        limit_bytes=reader.capabilities.max_string_bytes,
    )


def _timestamp(reader: Reader, _name: str) -> DataType:
    fraction = _size(reader) if reader.peek("(") else 6
    if not reader.accept("WITH"):
        return types.timestamp(fraction)
    zone = "LOCAL TIME ZONE" if reader.accept("LOCAL") else "TIME ZONE"
    reader.expect("TIME", "ZONE")
    return types.timestamp(fraction, zone)


def _interval(reader: Reader, _name: str) -> DataType:
    unit = reader.one_of("YEAR", "DAY")
    leading = _size(reader) if reader.peek("(") else 2
    reader.expect("TO")
    if unit == "YEAR":
        reader.expect("MONTH")
        kind = OracleType(TypeCode.INTERVAL_YM, 5, leading, 0)
        return DataType(f"INTERVAL YEAR({leading}) TO MONTH", kind, "ora.iym")
    if unit != "DAY":
        raise error(905, offset=reader.offset)
    reader.expect("SECOND")
    fraction = _size(reader) if reader.peek("(") else 6
    kind = OracleType(TypeCode.INTERVAL_DS, 11, leading, fraction)
    return DataType(f"INTERVAL DAY({leading}) TO SECOND({fraction})", kind, "interval")


def _float(reader: Reader, name: str) -> DataType:
    if name == "FLOAT":
        return types.floating(_size(reader) if reader.peek("(") else 126)
    if name == "DOUBLE":
        reader.expect("PRECISION", code=902)
    return types.floating(63 if name == "REAL" else 126)


def _raw(reader: Reader, _name: str) -> DataType:
    extended = reader.capabilities.max_string_bytes > types.MAX_VARCHAR_BYTES
    size = _size(reader)
    return types.raw(
        size, reader.capabilities.max_string_bytes if extended else types.MAX_RAW_BYTES
    )


_SIZED: Mapping[str, Callable[[Reader, str], DataType]] = {
    **dict.fromkeys(("NUMBER", "NUMERIC", "DECIMAL", "DEC"), _number),
    **dict.fromkeys(
        ("VARCHAR2", "VARCHAR", "NVARCHAR2", "CHAR", "CHARACTER", "NCHAR"), _characters
    ),
    **dict.fromkeys(("FLOAT", "REAL", "DOUBLE"), _float),
    "TIMESTAMP": _timestamp,
    "RAW": _raw,
    "INTERVAL": _interval,
}


def column(reader: Reader, *, type_required: bool = True) -> ColumnDefinition:
    """Read a column definition. In MODIFY the type may be left out."""
    definition = ColumnDefinition(reader.identifier())
    if type_required or not _starts_attribute(reader):
        definition.type = data_type(reader)
    while not (reader.current is None or reader.peek(",") or reader.peek(")")):
        _attribute(reader, definition)
    return definition


def _starts_attribute(reader: Reader) -> bool:
    starts = ("DEFAULT", "NOT", "NULL", "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES")
    return reader.current is None or any(reader.peek(word) for word in (*starts, ",", ")"))


def _attribute(reader: Reader, definition: ColumnDefinition) -> None:
    if reader.accept("DEFAULT"):
        if reader.accept("ON", "NULL"):
            definition.default_on_null, definition.nullable = True, False
        null = reader.accept("NULL")  # elsewhere this word ends the expression
        definition.default = "NULL" if null else reader.expression(*_EXPRESSION_STOPS)
    elif reader.accept("GENERATED"):
        definition.identity = "ALWAYS" if reader.accept("ALWAYS") else "BY DEFAULT"
        reader.accept("BY", "DEFAULT")
        if definition.identity == "BY DEFAULT" and reader.accept("ON", "NULL"):
            definition.default_on_null = True
        if not reader.peek("AS", "IDENTITY"):
            raise unsupported("virtual columns", reader.offset)
        reader.expect("AS", "IDENTITY")
        definition.nullable, definition.sequence = False, CreateSequence((None, ""))
        if reader.accept("("):
            while sequence_option(reader, definition.sequence):
                pass
            reader.expect(")", code=907)
    else:
        _inline_constraint(reader, definition)


def _inline_constraint(reader: Reader, definition: ColumnDefinition) -> None:
    name = reader.identifier() if reader.accept("CONSTRAINT") else None
    if reader.accept("NOT", "NULL"):
        definition.nullable, definition.null_constraint = False, name
        _states(reader)
        return
    if reader.accept("NULL"):
        definition.nullable = True
        return
    constraint = _constraint(reader, name, [definition.name])
    definition.constraints.append(constraint)


def sequence_option(reader: Reader, sequence: CreateSequence) -> bool:
    """Read one option of a sequence, if one is next."""
    if reader.accept("START", "WITH"):
        if not reader.accept("LIMIT", "VALUE"):
            sequence.start = reader.integer(1722)
    elif reader.accept("INCREMENT", "BY"):
        sequence.increment = reader.integer(1722)
    elif reader.accept("MINVALUE"):
        sequence.minimum = reader.integer(1722)
    elif reader.accept("MAXVALUE"):
        sequence.maximum = reader.integer(1722)
    elif reader.accept("CACHE"):
        sequence.cache = reader.integer(1722)
    elif reader.accept("CYCLE"):
        sequence.cycle = True
    else:
        words = ("NOCACHE", "NOCYCLE", "ORDER", "NOORDER", "NOMAXVALUE", "NOMINVALUE", "NOKEEP")
        return reader.one_of(*words, "KEEP", "NOSCALE") is not None
    return True


def constraint(reader: Reader) -> Constraint:
    """Read an out-of-line constraint."""
    name = reader.identifier() if reader.accept("CONSTRAINT") else None
    return _constraint(reader, name, None)


def _constraint(reader: Reader, name: str | None, columns: list[str] | None) -> Constraint:
    """Read what follows the name of a constraint; `columns` is given for an inline one."""

    def own_columns() -> list[str]:
        return columns if columns is not None else reader.list_of(reader.identifier)

    if reader.accept("PRIMARY", "KEY"):
        made = Constraint("P", own_columns(), name)
    elif reader.accept("UNIQUE"):
        made = Constraint("U", own_columns(), name)
    elif reader.accept("CHECK"):
        reader.expect("(", code=906)
        made = Constraint("C", columns or [], name, condition=reader.expression())
        reader.expect(")", code=907)
    elif reader.peek("FOREIGN") or reader.peek("REFERENCES"):
        made = _reference(reader, name, columns)
    else:
        raise error(
            922 if columns is not None else 904,
            *([] if columns is not None else [""]),
            offset=reader.offset,
        )
    made.disabled = _states(reader)
    return made


def _reference(reader: Reader, name: str | None, columns: list[str] | None) -> Constraint:
    if columns is None:
        reader.expect("FOREIGN", "KEY")
        columns = reader.list_of(reader.identifier)
    reader.expect("REFERENCES")
    made = Constraint("R", columns, name, references=reader.name())
    if reader.peek("("):
        made.referenced_columns = reader.list_of(reader.identifier)
    if reader.accept("ON", "DELETE"):
        made.on_delete = "SET NULL" if reader.accept("SET", "NULL") else "CASCADE"
        if made.on_delete == "CASCADE":
            reader.expect("CASCADE")
    return made


def _states(reader: Reader) -> bool:
    """Read a constraint's state; True when it is disabled."""
    disabled = False
    while True:
        if reader.accept("DISABLE"):
            disabled = True
        elif reader.accept("USING", "INDEX"):
            if reader.accept("TABLESPACE"):
                reader.identifier()
        elif not any(reader.accept(*state.split()) for state in _STATES):
            return disabled
