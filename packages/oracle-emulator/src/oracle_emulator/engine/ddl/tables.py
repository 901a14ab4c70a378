"""CREATE TABLE, ALTER TABLE and CREATE INDEX."""

from __future__ import annotations

from oracle_emulator.engine.accounts import TABLESPACES
from oracle_emulator.engine.ddl import columns
from oracle_emulator.engine.ddl.reader import Reader
from oracle_emulator.engine.ddl.statements import AlterTable, CreateIndex, CreateTable
from oracle_emulator.engine.errors import error, unsupported

# Storage clauses: accepted, and without meaning here. Words that take a value are listed with it.
_STORAGE_WORDS = (
    "LOGGING",
    "NOLOGGING",
    "NOCOMPRESS",
    "COMPRESS",
    "CACHE",
    "NOCACHE",
    "NOPARALLEL",
    "MONITORING",
    "NOMONITORING",
    "ONLINE",
    "REVERSE",
    "COMPUTE STATISTICS",
    "SEGMENT CREATION DEFERRED",
    "SEGMENT CREATION IMMEDIATE",
    "ENABLE ROW MOVEMENT",
    "DISABLE ROW MOVEMENT",
    "ROW STORE COMPRESS BASIC",
    "ROW STORE COMPRESS ADVANCED",
    "ORGANIZATION HEAP",
)
_STORAGE_VALUES = ("TABLESPACE", "PCTFREE", "PCTUSED", "INITRANS", "MAXTRANS")
_OUT_OF_LINE = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


def create(reader: Reader, *, temporary: bool) -> CreateTable:
    """Read what follows CREATE [GLOBAL TEMPORARY] TABLE."""
    quietly = reader.if_exists(negated=True)
    table = CreateTable(reader.name(), quietly, duration="SYS$TRANSACTION" if temporary else None)
    if reader.peek("("):
        reader.list_of(lambda: _element(reader, table))
    while reader.current is not None and not reader.peek("AS"):
        if temporary and reader.accept("ON", "COMMIT"):
            table.duration = "SYS$SESSION" if reader.accept("PRESERVE") else "SYS$TRANSACTION"
            if table.duration == "SYS$TRANSACTION":
                reader.expect("DELETE")
            reader.expect("ROWS")
        elif not _storage(reader):
            raise error(922, offset=reader.offset)
    if reader.accept("AS"):
        table.query_offset = reader.offset
        table.query = reader.rest()
    elif not table.columns:
        raise error(906 if not table.constraints else 904, "", offset=reader.offset)
    return table


def _element(reader: Reader, table: CreateTable) -> None:
    if any(reader.peek(word) for word in _OUT_OF_LINE):
        table.constraints.append(columns.constraint(reader))
        return
    # CREATE TABLE t (a, b) AS SELECT … names columns only.
    definition = columns.column(reader, type_required=not _name_only(reader))
    table.columns.append(definition)


def _name_only(reader: Reader) -> bool:
    ahead = reader.tokens[reader.position + 1 : reader.position + 2]
    return bool(ahead) and ahead[0].value in {",", ")"}


def _storage(reader: Reader) -> bool:
    if any(reader.accept(*words.split()) for words in _STORAGE_WORDS):
        return True
    option = reader.one_of(*_STORAGE_VALUES)
    if option is not None:
        value = reader.advance().value
        if option == "TABLESPACE" and value not in TABLESPACES:
            raise error(959, value)
        return True
    if reader.accept("PARALLEL"):
        if reader.current is not None and reader.current.value.isdigit():
            reader.advance()
        return True
    if reader.accept("STORAGE"):
        reader.expect("(", code=906)
        while not reader.accept(")"):
            reader.advance()
        return True
    if reader.peek("PARTITION") or reader.peek("ORGANIZATION") or reader.peek("CLUSTER"):
        raise unsupported("partitions, index-organised tables, clusters", reader.offset)
    return False


def alter(reader: Reader) -> AlterTable:
    """Read what follows ALTER TABLE."""
    table = AlterTable(reader.name())
    if reader.accept("ADD"):
        _add(reader, table)
    elif reader.accept("MODIFY"):
        _modify(reader, table)
    elif reader.accept("DROP"):
        _drop(reader, table)
    elif reader.accept("RENAME"):
        _rename(reader, table)
    elif _storage(reader):
        table.ignored = True
        while reader.current is not None and _storage(reader):
            pass
    else:
        raise error(1735, offset=reader.offset)
    return table


def _add(reader: Reader, table: AlterTable) -> None:
    reader.accept("COLUMN")  # not Oracle's: refused below, since a column name must follow
    if reader.tokens[reader.position - 1].value == "COLUMN":
        raise error(904, "", offset=reader.tokens[reader.position - 1].start)
    if reader.peek("("):
        reader.list_of(lambda: _added(reader, table))
    else:
        _added(reader, table)


def _added(reader: Reader, table: AlterTable) -> None:
    if any(reader.peek(word) for word in _OUT_OF_LINE):
        table.constraints.append(columns.constraint(reader))
    else:
        table.add.append(columns.column(reader))


def _modify(reader: Reader, table: AlterTable) -> None:
    def one() -> None:
        table.modify.append(columns.column(reader, type_required=False))

    if reader.peek("("):
        reader.list_of(one)
    else:
        one()


def _drop(reader: Reader, table: AlterTable) -> None:
    if reader.accept("COLUMN"):
        table.drop_columns = [reader.identifier()]
        reader.accept("CASCADE", "CONSTRAINTS")
    elif reader.accept("CONSTRAINT"):
        table.drop_constraint = reader.identifier()
        reader.accept("CASCADE")
        reader.accept("DROP", "INDEX")
    elif reader.accept("PRIMARY", "KEY"):
        table.drop_primary_key = True
        reader.accept("CASCADE")
    elif reader.peek("("):
        table.drop_columns = reader.list_of(reader.identifier)
        reader.accept("CASCADE", "CONSTRAINTS")
    else:
        raise error(905, offset=reader.offset)


def _rename(reader: Reader, table: AlterTable) -> None:
    if reader.accept("COLUMN"):
        old = reader.identifier()
        reader.expect("TO")
        table.rename_column = (old, reader.identifier())
    elif reader.accept("CONSTRAINT"):
        old = reader.identifier()
        reader.expect("TO")
        table.rename_constraint = (old, reader.identifier())
    else:
        reader.expect("TO", code=14155)
        table.rename_to = reader.identifier(903)


def index(reader: Reader, *, unique: bool) -> CreateIndex:
    """Read what follows CREATE [UNIQUE] INDEX."""
    quietly = reader.if_exists(negated=True)
    name = reader.name(953)
    reader.expect("ON", code=969)
    table = reader.name()

    def one() -> tuple[str, bool]:
        expression = reader.expression("ASC", "DESC")
        return expression, reader.one_of("ASC", "DESC") == "DESC"

    made = CreateIndex(name, table, reader.list_of(one), unique, quietly)
    while reader.current is not None:
        if not _storage(reader):
            raise error(922, offset=reader.offset)
    return made
