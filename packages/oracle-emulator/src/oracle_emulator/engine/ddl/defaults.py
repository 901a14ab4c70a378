"""Identity columns and DEFAULT ON NULL: a sequence behind a default, and a trigger for NULLs."""

from __future__ import annotations

from oracle_emulator.engine import names
from oracle_emulator.engine.ddl.scene import Scene
from oracle_emulator.engine.ddl.statements import ColumnDefinition
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import TypeCode

_SEQUENCE_LIMIT = 2**63 - 1


def system_number(scene: Scene) -> int:
    """The next number for a name that the server gives."""
    row = scene.run.execute("SELECT nextval('ora.system_names')").fetchone()
    return int(row[0]) if row else 0


def has_identity(scene: Scene, relid: int) -> bool:
    """Whether a table has an identity column."""
    query = "SELECT 1 FROM ora.columns WHERE relid = $1 AND identity IS NOT NULL"
    return scene.run.execute(query, [relid]).fetchone() is not None


def default_sql(scene: Scene, owner: str, column: ColumnDefinition) -> str:
    """The expression of a column's default, "" when it has none.

    An identity column gets its sequence here. Raises ORA-30675 for one that is no number.
    """
    if column.identity is None:
        return "" if column.default is None else scene.expression(column.default)
    if column.type is None or column.type.oracle.code is not TypeCode.NUMBER:
        raise error(30675)
    options = column.sequence
    sequence = names.quote(owner, f"ISEQ$$_{system_number(scene)}")
    pieces = [f"CREATE SEQUENCE {sequence}"]
    if options is not None:
        pieces.append(f"INCREMENT BY {options.increment}")
        if options.start is not None:
            pieces.append(f"START WITH {options.start}")
        if options.minimum is not None:
            pieces.append(f"MINVALUE {max(options.minimum, -_SEQUENCE_LIMIT)}")
        if options.maximum is not None:
            pieces.append(f"MAXVALUE {min(options.maximum, _SEQUENCE_LIMIT)}")
        if options.cycle:
            pieces.append("CYCLE")
    scene.run.execute(" ".join(pieces))
    scene.run.execute(f"ALTER SEQUENCE {sequence} OWNER TO {names.quote(owner)}")
    scene.run.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO PUBLIC")
    column.default = f"{sequence}.nextval"
    return f"nextval({names.literal(sequence)})::numeric"


def settle(scene: Scene, owner: str, table: str, column: ColumnDefinition) -> None:
    """What a default needs once its column exists: its sequence goes when the column goes."""
    target = names.quote(owner, table)
    if column.identity is not None and column.default is not None:
        sequence = column.default.removesuffix(".nextval")
        scene.run.execute(f"ALTER SEQUENCE {sequence} OWNED BY {target}.{names.quote(column.name)}")
    if not column.default_on_null:
        return
    row = scene.run.execute(
        "SELECT a.attrelid, a.attnum, pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a "
        "JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        "WHERE a.attrelid = $1::text::regclass AND a.attname = $2",
        [target, names.physical(column.name)],
    ).fetchone()
    if row is None:
        return
    relid, number, expression = row
    function, own = f'ora."nn${relid}${number}"', names.quote(column.name)
    scene.run.execute(
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN "
        f"IF NEW.{own} IS NULL THEN NEW.{own} := {expression}; END IF; RETURN NEW; END $body$"
    )
    scene.run.execute(
        f'CREATE TRIGGER "nn${number}" BEFORE INSERT ON {target} '
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
