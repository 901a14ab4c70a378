"""ALTER TABLE, and how a column and a constraint are written in PostgreSQL."""

from __future__ import annotations

import psycopg

from oracle_emulator.engine import names, types
from oracle_emulator.engine.ddl import defaults
from oracle_emulator.engine.ddl.scene import (
    Scene,
    may_change,
    register_column,
    relation,
    remember_name,
    touch,
)
from oracle_emulator.engine.ddl.statements import AlterTable, ColumnDefinition, Constraint
from oracle_emulator.engine.errors import error, unsupported
from oracle_emulator.engine.interface import OracleType, TypeCode
from oracle_emulator.engine.types import DataType

_LOBS = frozenset({TypeCode.CLOB, TypeCode.BLOB, TypeCode.LONG, TypeCode.LONG_RAW})


def type_of(oracle: OracleType) -> DataType:
    """The data type of a column that is made from a query's column."""
    size = max(oracle.size, 1)
    match oracle.code:
        case TypeCode.NUMBER if oracle.scale == -127:
            made = types.floating(oracle.precision or 126)
        case TypeCode.NUMBER:
            made = types.number(oracle.precision, oracle.scale)
        case TypeCode.VARCHAR:  # within the limit, since a column or an expression has it
            made = types.varchar(
                size,
                in_characters=oracle.char_semantics,
                national=oracle.national,
                limit_bytes=max(2 * size, types.MAX_VARCHAR_BYTES),
            )
        case TypeCode.CHAR:
            made = types.char(size, in_characters=oracle.char_semantics, national=oracle.national)
        case TypeCode.RAW:
            made = types.raw(size, max(size, types.MAX_RAW_BYTES))
        case TypeCode.TIMESTAMP | TypeCode.TIMESTAMP_TZ | TypeCode.TIMESTAMP_LTZ:
            zone = {TypeCode.TIMESTAMP: "", TypeCode.TIMESTAMP_TZ: "TIME ZONE"}
            fraction = 6 if oracle.precision is None else oracle.precision
            made = types.timestamp(fraction, zone.get(oracle.code, "LOCAL TIME ZONE"))
        case _:
            known = (t for t in types.PLAIN_TYPES.values() if t.oracle.code == oracle.code)
            found = next(known, None)
            if found is None:
                raise unsupported(f"a column of type {oracle.code.name}")
            made = found
    return made


def column_sql(scene: Scene, owner: str, table: str, column: ColumnDefinition) -> str:
    """A column with NOT NULL and the check of its length, without its other constraints."""
    if column.type is None:
        raise error(2263)
    pieces = [names.quote(column.name), column.type.storage]
    default = defaults.default_sql(scene, owner, column)
    if default:
        pieces.append(f"DEFAULT {default}")
    if column.nullable is False:
        pieces.append("NOT NULL")
    check = length_check(owner, table, column.name, column.type)
    if check:
        pieces.append(f"CONSTRAINT {check_name(column.name)} {check}")
    return " ".join(pieces)


def check_name(column: str) -> str:
    """The name of the constraint that checks a column's length."""
    return names.quote("len$" + names.physical(column))


def length_check(owner: str, table: str, column: str, kind: DataType) -> str:
    """The CHECK that enforces a length: cheap when the value fits, ORA-12899 when it does not."""
    if not kind.length_limit:
        return ""
    size, quoted = kind.oracle.size, names.quote(column)
    shown = names.literal(names.shown(owner, table, column))
    if kind.oracle.code is TypeCode.RAW:
        return f"CHECK (octet_length({quoted}) <= {size} OR ora.fits({quoted}, {size}, {shown}))"
    measure = "char_length" if kind.oracle.char_semantics else "octet_length"
    in_characters = "true" if kind.oracle.char_semantics else "false"
    slow = f"ora.fits({quoted}, {size}, {in_characters}, {shown})"
    return f"CHECK ({measure}({quoted}) <= {size} OR {slow})"


def add_constraint(scene: Scene, owner: str, table: str, constraint: Constraint) -> None:
    """Add a constraint to a table; without a name it is called SYS_Cnnn, as Oracle does."""
    if constraint.disabled:
        raise unsupported("a disabled constraint")
    found = relation(scene, owner, table)
    if found is None:
        raise scene.missing(owner, table)
    name = constraint.name or _system_name(scene)
    remember_name(scene, name)
    body = _constraint_body(scene, owner, found[0], constraint)
    try:
        scene.run.execute(
            f"ALTER TABLE {names.quote(owner, table)} ADD CONSTRAINT {names.quote(name)} {body}"
        )
        if constraint.kind == "C":  # the catalogue shows the condition as it was written
            scene.run.execute(
                f"COMMENT ON CONSTRAINT {names.quote(name)} ON {names.quote(owner, table)} IS "
                f"{names.literal(constraint.condition)}"
            )
    except psycopg.errors.UniqueViolation as duplicates:
        raise error(2437, f"{owner}.{name}") from duplicates
    except psycopg.errors.InvalidTableDefinition as second:
        raise error(2260) from second
    except (psycopg.errors.DuplicateObject, psycopg.errors.DuplicateTable) as taken:
        raise error(2264) from taken


def _system_name(scene: Scene) -> str:
    return f"SYS_C{defaults.system_number(scene):06d}"


def _constraint_body(scene: Scene, owner: str, relid: int, constraint: Constraint) -> str:
    columns = ", ".join(names.quote(column) for column in constraint.columns)
    match constraint.kind:
        case "P" | "U":
            _refuse_lobs(scene, relid, constraint.columns)
            return f"{'PRIMARY KEY' if constraint.kind == 'P' else 'UNIQUE'} ({columns})"
        case "C":
            return f"CHECK ({scene.expression(constraint.condition)})"
        case _:
            other = scene.resolve(constraint.references or (owner, ""))
            referenced = ", ".join(names.quote(column) for column in constraint.referenced_columns)
            action = f" ON DELETE {constraint.on_delete}" if constraint.on_delete else ""
            target = names.quote(*other) + (f" ({referenced})" if referenced else "")
            return f"FOREIGN KEY ({columns}) REFERENCES {target}{action}"


def _refuse_lobs(scene: Scene, relid: int, columns: list[str]) -> None:
    for column in columns:
        row = scene.run.execute(
            "SELECT o.code FROM pg_attribute a JOIN ora.columns o ON o.relid = a.attrelid AND "
            "o.attnum = a.attnum "
            "WHERE a.attrelid = $1 AND a.attname = $2",
            [relid, names.physical(column)],
        ).fetchone()
        if row is None:
            raise error(904, names.shown(column))
        if TypeCode(row[0]) in _LOBS:
            raise error(2329, "LOB")


def alter(statement: AlterTable, scene: Scene) -> None:
    """Carry out ALTER TABLE."""
    owner, table = scene.resolve(statement.name)
    found = relation(scene, owner, table)
    if found is None or found[1] != "r":
        raise scene.missing(owner, table)
    may_change(scene, owner, table, "ALTER ANY TABLE")
    if statement.ignored:
        return
    for column in statement.add:
        _add(scene, owner, table, found[0], column)
    for constraint in statement.constraints:
        add_constraint(scene, owner, table, constraint)
    for column in statement.modify:
        _modify(scene, owner, table, found[0], column)
    _drop_parts(statement, scene, owner, table, found[0])
    _rename_parts(statement, scene, owner, table, found[0])
    touch(scene, found[0])


def _add(scene: Scene, owner: str, table: str, relid: int, column: ColumnDefinition) -> None:
    if _number(scene, relid, column.name) is not None:
        raise error(1430)
    if column.type is None:
        raise error(2263)
    if column.identity is not None and defaults.has_identity(scene, relid):
        raise error(30669)
    try:
        scene.run.execute(
            f"ALTER TABLE {names.quote(owner, table)} ADD COLUMN "
            f"{column_sql(scene, owner, table, column)}"
        )
    except psycopg.errors.NotNullViolation as rows:
        raise error(1758) from rows
    number = _number(scene, relid, column.name)
    register_column(scene, relid, number or 0, column.name, column.type, column)
    defaults.settle(scene, owner, table, column)
    for constraint in column.constraints:
        add_constraint(scene, owner, table, constraint)


def _number(scene: Scene, relid: int, column: str) -> int | None:
    row = scene.run.execute(
        "SELECT attnum FROM pg_attribute WHERE attrelid = $1 AND attname = $2 AND NOT "
        "attisdropped AND attnum > 0",
        [relid, names.physical(column)],
    ).fetchone()
    return None if row is None else int(row[0])


def _existing(scene: Scene, relid: int, column: str) -> int:
    number = _number(scene, relid, column)
    if number is None:
        raise error(904, names.shown(column))
    return number


def _modify(scene: Scene, owner: str, table: str, relid: int, column: ColumnDefinition) -> None:
    number = _existing(scene, relid, column.name)
    target, quoted = f"ALTER TABLE {names.quote(owner, table)}", names.quote(column.name)
    if column.type is not None:
        _change_type(scene, owner, table, (relid, number), column)
    if column.default is not None:
        scene.run.execute(
            f"{target} ALTER COLUMN {quoted} SET DEFAULT {scene.expression(column.default)}"
        )
    if column.nullable is not None:
        row = scene.run.execute(
            "SELECT attnotnull FROM pg_attribute WHERE attrelid = $1 AND attnum = $2",
            [relid, number],
        ).fetchone()
        mandatory = row is not None and bool(row[0])
        if mandatory != column.nullable:
            raise error(1451 if column.nullable else 1442)
        try:
            scene.run.execute(
                f"{target} ALTER COLUMN {quoted} {'DROP' if column.nullable else 'SET'} NOT NULL"
            )
        except psycopg.errors.NotNullViolation as nulls:
            raise error(2296, f"{owner}.") from nulls
    for constraint in column.constraints:
        add_constraint(scene, owner, table, constraint)


def _change_type(
    scene: Scene, owner: str, table: str, column_id: tuple[int, int], column: ColumnDefinition
) -> None:
    new = column.type
    if new is None:
        return
    relid, number = column_id
    row = scene.run.execute(
        "SELECT code, size, precision, scale FROM ora.columns WHERE relid = $1 AND attnum = $2",
        [relid, number],
    ).fetchone()
    if row is None:
        raise error(904, names.shown(column.name))
    filled = scene.run.execute(
        f"SELECT 1 FROM {names.quote(owner, table)} WHERE {names.quote(column.name)} IS NOT NULL "
        f"LIMIT 1"
    ).fetchone()
    old_code, old_size, old_precision, old_scale = TypeCode(row[0]), int(row[1]), row[2], row[3]
    if filled is not None:
        if old_code is not new.oracle.code:
            raise error(22858 if old_code in _LOBS or new.oracle.code in _LOBS else 1439)
        if old_code is TypeCode.NUMBER and _narrows((old_precision, old_scale), new.oracle):
            raise error(1440)
    target, quoted = f"ALTER TABLE {names.quote(owner, table)}", names.quote(column.name)
    scene.run.execute(f"{target} DROP CONSTRAINT IF EXISTS {check_name(column.name)}")
    using = "NULL" if filled is None else quoted
    scene.run.execute(
        f"{target} ALTER COLUMN {quoted} TYPE {new.storage} USING {using}::{new.storage}"
        if old_code is not new.oracle.code
        or new.oracle.code in {TypeCode.NUMBER, TypeCode.TIMESTAMP, TypeCode.CHAR}
        else "SELECT 1"
    )
    check = length_check(owner, table, column.name, new)
    if check:
        try:
            scene.run.execute(f"{target} ADD CONSTRAINT {check_name(column.name)} {check}")
        except psycopg.Error as failed:
            if failed.sqlstate == "ORA00" and new.oracle.size < old_size:
                raise error(1441) from failed
            raise
    register_column(scene, relid, number, column.name, new)


def _narrows(old: tuple[int | None, int | None], new: OracleType) -> bool:
    """Whether a NUMBER would keep fewer digits before or after the point."""
    if new.precision is None:
        return False
    if old[0] is None:
        return True
    before, after = old[0] - (old[1] or 0), old[1] or 0
    return new.precision - (new.scale or 0) < before or (new.scale or 0) < after


def _drop_parts(statement: AlterTable, scene: Scene, owner: str, table: str, relid: int) -> None:
    target = f"ALTER TABLE {names.quote(owner, table)}"
    for column in statement.drop_columns:
        number = _existing(scene, relid, column)
        left = scene.run.execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT "
            "attisdropped",
            [relid],
        ).fetchone()
        if left is not None and left[0] <= 1:
            raise error(12983)
        scene.run.execute(f"{target} DROP COLUMN {names.quote(column)} CASCADE")
        scene.run.execute(
            "DELETE FROM ora.columns WHERE relid = $1 AND attnum = $2", [relid, number]
        )
    if statement.drop_constraint is not None:
        try:
            scene.run.execute(f"{target} DROP CONSTRAINT {names.quote(statement.drop_constraint)}")
        except psycopg.errors.UndefinedObject as missing:
            raise error(2443) from missing
    if statement.drop_primary_key:
        row = scene.run.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1 AND contype = 'p'", [relid]
        ).fetchone()
        if row is None:
            raise error(2441)
        scene.run.execute(f'{target} DROP CONSTRAINT "{row[0]}"')


def _rename_parts(statement: AlterTable, scene: Scene, owner: str, table: str, relid: int) -> None:
    target = f"ALTER TABLE {names.quote(owner, table)}"
    if statement.rename_column is not None:
        old, new = statement.rename_column
        _existing(scene, relid, old)
        if _number(scene, relid, new) is not None:
            raise error(957)
        remember_name(scene, new)
        scene.run.execute(f"{target} RENAME COLUMN {names.quote(old)} TO {names.quote(new)}")
        _rename_checks(scene, owner, table, relid)
    if statement.rename_constraint is not None:
        old, new = statement.rename_constraint
        remember_name(scene, new)
        scene.run.execute(f"{target} RENAME CONSTRAINT {names.quote(old)} TO {names.quote(new)}")
    if statement.rename_to is not None:
        rename(scene, (owner, table), statement.rename_to)


def rename(scene: Scene, table: tuple[str, str], new: str) -> None:
    """Give a table another name."""
    owner, old = table
    found = relation(scene, owner, old)
    if found is None:
        raise error(942 if scene.user == owner else 4043, names.shown(old))
    if relation(scene, owner, new) is not None:
        raise error(955)
    remember_name(scene, new)
    scene.run.execute(f"ALTER TABLE {names.quote(owner, old)} RENAME TO {names.quote(new)}")
    _rename_checks(scene, owner, new, found[0])


def _rename_checks(scene: Scene, owner: str, table: str, relid: int) -> None:
    """Make the length checks anew, since their messages hold the names."""
    target = f"ALTER TABLE {names.quote(owner, table)}"
    old = scene.run.execute(
        r"SELECT conname FROM pg_constraint WHERE conrelid = $1 AND contype = 'c' AND conname "
        r"LIKE 'len$%'",
        [relid],
    ).fetchall()
    for (name,) in old:
        scene.run.execute(f'{target} DROP CONSTRAINT "{str(name).replace(chr(34), chr(34) * 2)}"')
    columns = scene.run.execute(
        "SELECT a.attname, o.code, o.size, o.precision, o.scale, o.char_semantics, o.national, "
        "o.type_name "
        "FROM pg_attribute a JOIN ora.columns o ON o.relid = a.attrelid AND o.attnum = a.attnum "
        "WHERE a.attrelid = $1 AND NOT a.attisdropped",
        [relid],
    ).fetchall()
    for name, code, size, precision, scale, char_semantics, national, type_name in columns:
        oracle = OracleType(TypeCode(code), size, precision, scale, char_semantics, national)
        column = names.logical(name)
        check = length_check(owner, table, column, DataType(type_name, oracle, ""))
        if check:
            scene.run.execute(f"{target} ADD CONSTRAINT {check_name(column)} {check}")
