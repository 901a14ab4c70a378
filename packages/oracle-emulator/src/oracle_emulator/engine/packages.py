"""The procedures of Oracle's packages that a block may call: their parameters and what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oracle_emulator.engine import accounts, names
from oracle_emulator.engine.catalogue import TableInfo
from oracle_emulator.engine.diagnosis import Situation
from oracle_emulator.engine.errors import unsupported
from oracle_emulator.engine.interface import OracleError, Value
from oracle_emulator.engine.translate.context import TableName

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

Arguments = Mapping[str, Value]
_STATISTICS_ERROR, _LOCKED_ERROR = 20000, 20005
_BLOCK_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure: its parameters in order, the first `required` of them without a default."""

    parameters: tuple[str, ...]
    required: int
    run: Callable[[EngineSession, Arguments], None]


def _sets(*attributes: str) -> Callable[[EngineSession, Arguments], None]:
    """A procedure whose arguments are attributes of the session, in this order."""

    def run(session: EngineSession, arguments: Arguments) -> None:
        given = zip(attributes, arguments.values(), strict=False)
        session.set_attributes({name: str(value or "") for name, value in given})

    return run


def _clear_identifier(session: EngineSession, _arguments: Arguments) -> None:
    session.set_attributes({"client_identifier": ""})


def _sleep(session: EngineSession, arguments: Arguments) -> None:
    with session.statement(Situation(), begin=False):  # a cancel ends it, not the transaction
        session.run.execute("SELECT pg_sleep($1::numeric::float8)", [arguments["SECONDS"]])


def _nothing(_session: EngineSession, _arguments: Arguments) -> None:
    """DBMS_OUTPUT: nothing here writes to its buffer."""


def _gather(session: EngineSession, arguments: Arguments) -> None:
    name, info = _table(session, arguments)
    _refuse_locked(session, info, arguments)
    physical = session.private.physical(name)
    target = names.quote(*name) if physical is None else f'pg_temp."{physical}"'
    with session.diagnosed(Situation()):
        run = session.run
        run.execute("RESET ROLE")
        try:
            run.execute(f"ANALYZE {target}")
            counted = run.execute(
                f"SELECT count(*)::numeric, ceil(pg_relation_size($1::text::regclass)::numeric "
                f"/ {_BLOCK_BYTES}), coalesce(round(avg(pg_column_size(t.*))), 0) FROM {target} t",
                [target],
            ).fetchone()
        finally:
            if not run.closed:
                run.execute(f"SET ROLE {names.quote(session.info.user)}")
    _store(session, info, *(counted or ()))


def _set(session: EngineSession, arguments: Arguments) -> None:
    _, info = _table(session, arguments)
    _refuse_locked(session, info, arguments)
    _store(session, info, *(arguments.get(key) for key in ("NUMROWS", "NUMBLKS", "AVGRLEN")))


def _delete(session: EngineSession, arguments: Arguments) -> None:
    _, info = _table(session, arguments)
    _refuse_locked(session, info, arguments)
    _note(session, info, "num_rows = NULL, blocks = NULL, avg_row_len = NULL, last_analyzed = NULL")


def _lock(session: EngineSession, arguments: Arguments) -> None:
    _note(session, _table(session, arguments)[1], "statistics_locked = true")


def _unlock(session: EngineSession, arguments: Arguments) -> None:
    _note(session, _table(session, arguments)[1], "statistics_locked = false")


def _store(
    session: EngineSession,
    info: TableInfo,
    num_rows: Value = None,
    blocks: Value = None,
    avg_row_len: Value = None,
) -> None:
    """Keep what is given; what is not given stays as it is."""
    change = (
        "num_rows = coalesce($2::numeric, num_rows), blocks = coalesce($3::numeric, blocks), "
        "avg_row_len = coalesce($4::numeric, avg_row_len), "
        "last_analyzed = date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC')"
    )
    _note(session, info, change, num_rows, blocks, avg_row_len)


def _note(session: EngineSession, info: TableInfo, change: str, *values: Value) -> None:
    with session.database.administrator() as run:
        run.execute(f"UPDATE ora.objects SET {change} WHERE relid = $1", [info.relid, *values])


def _table(session: EngineSession, arguments: Arguments) -> tuple[TableName, TableInfo]:
    """The table that a procedure is about; the transaction is committed, as DBMS_STATS does.

    Raises ORA-20000 for one that is not there or that the user may not analyse.
    """
    for key in ("PARTNAME", "STATTAB", "STATID", "STATOWN"):
        if arguments.get(key) is not None:
            raise unsupported(f"DBMS_STATS with {key}")
    session.commit()
    owner = _name(arguments["OWNNAME"]) or session.schema
    name = owner, _name(arguments["TABNAME"])
    info = session.database.catalogue.table(name)
    with session.database.administrator() as run:
        may = owner == session.info.user or accounts.has_privilege(
            run, session.info.user, "ANALYZE ANY"
        )
    if info is None or info.is_view or not may:
        shown = names.shown(*name)
        raise OracleError(
            _STATISTICS_ERROR,
            f"Unable to analyze TABLE {shown}, insufficient privileges or does not exist",
        )
    return name, info


def _name(value: Value) -> str:
    """A name as DBMS_STATS reads it: in capitals, unless it stands in double quotes."""
    text = str(value or "").strip()
    quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    return text[1:-1] if quoted else text.upper()


def _refuse_locked(session: EngineSession, info: TableInfo, arguments: Arguments) -> None:
    if arguments.get("FORCE") is True:
        return
    with session.database.administrator() as run:
        row = run.execute(
            "SELECT statistics_locked FROM ora.objects WHERE relid = $1", [info.relid]
        ).fetchone()
    if row is not None and row[0]:
        raise OracleError(_LOCKED_ERROR, "object statistics are locked (stattype = ALL)")


_GATHER = (
    "OWNNAME", "TABNAME", "PARTNAME", "ESTIMATE_PERCENT", "BLOCK_SAMPLE", "METHOD_OPT", "DEGREE",
    "GRANULARITY", "CASCADE", "STATTAB", "STATID", "STATOWN", "NO_INVALIDATE", "STATTYPE", "FORCE",
    "CONTEXT", "OPTIONS",
)  # fmt: skip
_SET = (
    "OWNNAME", "TABNAME", "PARTNAME", "STATTAB", "STATID", "NUMROWS", "NUMBLKS", "AVGRLEN",
    "FLAGS", "STATOWN", "NO_INVALIDATE", "CACHEDBLK", "CACHEHIT", "FORCE",
)  # fmt: skip
_DELETE = (
    "OWNNAME", "TABNAME", "PARTNAME", "STATTAB", "STATID", "CASCADE_PARTS", "CASCADE_COLUMNS",
    "CASCADE_INDEXES", "STATOWN", "NO_INVALIDATE", "STATTYPE", "FORCE",
)  # fmt: skip
_OWNED = ("OWNNAME", "TABNAME")

PROCEDURES: Mapping[str, Procedure] = {
    "DBMS_SESSION.SET_IDENTIFIER": Procedure(("CLIENT_ID",), 1, _sets("client_identifier")),
    "DBMS_SESSION.CLEAR_IDENTIFIER": Procedure((), 0, _clear_identifier),
    "DBMS_SESSION.SLEEP": Procedure(("SECONDS",), 1, _sleep),
    "DBMS_LOCK.SLEEP": Procedure(("SECONDS",), 1, _sleep),
    "DBMS_APPLICATION_INFO.SET_MODULE": Procedure(
        ("MODULE_NAME", "ACTION_NAME"), 2, _sets("module", "action")
    ),
    "DBMS_APPLICATION_INFO.SET_ACTION": Procedure(("ACTION_NAME",), 1, _sets("action")),
    "DBMS_APPLICATION_INFO.SET_CLIENT_INFO": Procedure(
        ("CLIENT_INFO",), 1, _sets("client_info")
    ),
    "DBMS_OUTPUT.ENABLE": Procedure(("BUFFER_SIZE",), 0, _nothing),
    "DBMS_OUTPUT.DISABLE": Procedure((), 0, _nothing),
    "DBMS_STATS.GATHER_TABLE_STATS": Procedure(_GATHER, 2, _gather),
    "DBMS_STATS.SET_TABLE_STATS": Procedure(_SET, 2, _set),
    "DBMS_STATS.DELETE_TABLE_STATS": Procedure(_DELETE, 2, _delete),
    "DBMS_STATS.LOCK_TABLE_STATS": Procedure(_OWNED, 2, _lock),
    "DBMS_STATS.UNLOCK_TABLE_STATS": Procedure(_OWNED, 2, _unlock),
}  # fmt: skip
