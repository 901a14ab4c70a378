"""What the wire side may know of the engine.

Values, statements and outcomes, never packets and never PostgreSQL.

The session layer (`oracle_emulator.session`) decodes the client's bytes into these values and
encodes these outcomes back; the engine (`oracle_emulator.engine`) gives them Oracle's meaning. Both
sides are written and tested against this module alone.

Values are plain Python: None, str, bytes, int/Decimal (NUMBER), float (BINARY_FLOAT/BINARY_DOUBLE),
naive datetime (DATE, TIMESTAMP), aware datetime (TIMESTAMP WITH [LOCAL] TIME ZONE), timedelta
(INTERVAL DAY TO SECOND), `YearMonth`, bool (BOOLEAN). CLOB content is str and BLOB content is
bytes: locators are the session layer's matter. An empty string is NULL and arrives as None.
"""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol


class YearMonth(NamedTuple):
    """An INTERVAL YEAR TO MONTH."""

    years: int
    months: int


Value = None | str | bytes | int | Decimal | float | datetime | timedelta | YearMonth | bool
Row = Sequence[Value]


class PackedRows(Sequence[Row]):
    """Rows of binds that are still the client's bytes.

    They are rows like any others, whose values are made when one is asked for (which raises
    OracleError where bytes are no value of their type). `texts` does without values.
    """

    @abstractmethod
    def is_null(self, index: int) -> bool:
        """Tell whether a column holds nothing but NULL."""

    @abstractmethod
    def texts(
        self, indexes: Sequence[int], start: int, stop: int
    ) -> list[Sequence[bytes | None]] | None:
        """Return columns of the rows from `start` to `stop` as plain text in UTF-8.

        Numbers are in digits with a point, moments in ISO 8601's basic format (with Z where they
        have a zone), RAW in hexadecimal digits, NULL is None. The answer is None when a column's
        type cannot be written so. Raises OracleError as making values does.
        """


class TypeCode(enum.IntEnum):
    """Oracle's external type numbers, as they also stand on the wire."""

    VARCHAR = 1
    NUMBER = 2
    LONG = 8
    ROWID = 11
    DATE = 12
    RAW = 23
    LONG_RAW = 24
    CHAR = 96
    BINARY_FLOAT = 100
    BINARY_DOUBLE = 101
    CURSOR = 102
    CLOB = 112
    BLOB = 113
    JSON = 119
    TIMESTAMP = 180
    TIMESTAMP_TZ = 181
    INTERVAL_YM = 182
    INTERVAL_DS = 183
    UROWID = 208
    TIMESTAMP_LTZ = 231
    BOOLEAN = 252


@dataclass(frozen=True, slots=True)
class OracleType:
    """A column's or bind's type with its limits.

    `size` is in bytes, or in characters where `char_semantics`.
    """

    code: TypeCode
    size: int = 0
    precision: int | None = None  # NUMBER(p,s); fractional digits of TIMESTAMP
    scale: int | None = None
    char_semantics: bool = False
    national: bool = False  # NVARCHAR2, NCHAR, NCLOB: UTF-16 on the wire


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result set, or of a table for direct path load."""

    name: str
    type: OracleType
    nullable: bool = True


class Kind(enum.Enum):
    """What a statement is, as far as the wire must know."""

    QUERY = "query"
    DML = "dml"
    DDL = "ddl"
    PLSQL = "plsql"
    OTHER = "other"  # COMMIT, ROLLBACK, SAVEPOINT, ALTER SESSION, SET …


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement.

    `binds` holds the placeholder names in the order in which their values stand on the wire: per
    occurrence in SQL, per unique name in PL/SQL; the last `returning` of them are out-binds of
    RETURNING … INTO. `scan` must produce these counts even for a text whose SQL does not parse,
    since the wire must know how much to read.
    """

    text: str
    kind: Kind
    binds: tuple[str, ...] = ()
    returning: int = 0


@dataclass(frozen=True, slots=True)
class RowError:
    """One failed row of an array DML that was asked to collect errors."""

    offset: int  # index of the row among those sent
    code: int
    message: str  # with its ORA- prefix


@dataclass(slots=True)
class Outcome:
    """What one execution did. Rows of a query come through `Cursor`, not here."""

    row_count: int = 0
    row_counts: list[int] | None = None  # per row sent, when asked for
    row_errors: list[RowError] = field(default_factory=list)
    returned: list[list[Row]] = field(
        default_factory=list
    )  # RETURNING INTO: per row sent, the rows it returned
    out_values: Row | None = None  # PL/SQL out binds, in bind order, None for the in binds
    last_rowid: str | None = None
    cursor: Cursor | None = None
    warning: int = 0


class OracleError(Exception):
    """An error as Oracle would report it. `text` is without the ORA- prefix.

    `offset` is the character position in the SQL; `rows_done` is how many rows of an array DML stay
    applied before the failing one.
    """

    def __init__(self, code: int, text: str, *, offset: int = 0, rows_done: int = 0) -> None:
        super().__init__(f"ORA-{code:05d}: {text}")
        self.code = code
        self.text = text
        self.offset = offset
        self.rows_done = rows_done


class Cursor(Protocol):
    """An open result set."""

    columns: tuple[Column, ...]

    def fetch(self, rows: int) -> tuple[list[Row], bool]:
        """Return up to `rows` rows, and whether more may follow."""
        ...

    def close(self) -> None:
        """Give up what the result set holds."""
        ...


class DirectPath(Protocol):
    """A direct path load in progress: exclusive on its table, committed by `finish`."""

    columns: tuple[Column, ...]

    def load(self, rows: Sequence[Row]) -> None:
        """Append rows; NUMBER is stored as sent, without a check of precision."""
        ...

    def finish(self) -> None:
        """Commit the load, and with it the session's transaction."""
        ...

    def abort(self) -> None:
        """Throw away what was loaded."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's password verifier as the 12c logon needs it.

    Salt (16 bytes) and key (64 bytes, PBKDF2-HMAC-SHA512).
    """

    salt: bytes
    key: bytes
    # 0, or the ORA- code that a right password meets: 28000 locked, 28001 expired, 1045 no CREATE
    # SESSION.
    status: int = 0


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What V$SESSION and SYS_CONTEXT show of a client."""

    user: str
    session_id: int
    serial: int
    service_name: str
    program: str = ""
    machine: str = ""
    os_user: str = ""
    terminal: str = ""
    driver: str = ""
    proxy_user: str | None = None


class Session(Protocol):
    """One connected user.

    Not thread-safe, but `cancel` may be called from any thread at any time.
    """

    def scan(self, sql: str) -> Statement:
        """Classify a text and find its placeholders without judging it. Raises nothing."""
        ...

    def execute(
        self,
        statement: Statement,
        rows: Sequence[Row],
        types: Sequence[OracleType],
        *,
        batch_errors: bool = False,
        row_counts: bool = False,
        describe_only: bool = False,
    ) -> Outcome:
        """Run a statement once per row of binds (one empty row when it has none).

        Raises OracleError.
        """
        ...

    def direct_path(self, schema: str | None, table: str, columns: Sequence[str]) -> DirectPath:
        """Open a direct path load. Raises OracleError (54 when the table is locked)."""
        ...

    def commit(self) -> None:
        """End the transaction and keep its changes."""
        ...

    def rollback(self) -> None:
        """End the transaction and undo its changes."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def set_attributes(self, attributes: dict[str, str]) -> None:
        """Take MODULE, ACTION, CLIENT_IDENTIFIER, CLIENT_INFO, CURRENT_SCHEMA of the client."""
        ...

    def cancel(self) -> None:
        """Make the statement that is running fail with ORA-01013."""
        ...

    def close(self) -> None:
        """Roll back and end."""
        ...


class Database(Protocol):
    """The whole server: users and sessions."""

    def credentials(self, user: str) -> Credentials | None:
        """Return a user's verifier; None for a user that does not exist."""
        ...

    def may_connect_through(self, proxy: str, user: str) -> bool:
        """Tell whether `proxy`, whose password was verified, may open sessions as `user`."""
        ...

    def open_session(self, info: SessionInfo) -> Session:
        """Start a session for a user whose password was verified. Raises OracleError."""
        ...

    def show_statistics(self, values: Mapping[int, Mapping[str, int]]) -> None:
        """Show in V$SESSTAT what was counted, by session and by name of the statistic."""
        ...

    def close(self) -> None:
        """End every session and the embedded server."""
        ...
