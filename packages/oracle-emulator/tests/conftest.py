"""A tiny engine behind the wire: it echoes binds, counts, keeps rows, fails and waits on demand."""

import contextlib
import re
import threading
from dataclasses import dataclass, field

import oracledb
import pytest

from oracle_emulator.certificates import ensure_certificates
from oracle_emulator.engine.interface import (
    Column,
    Credentials,
    Kind,
    OracleError,
    OracleType,
    Outcome,
    RowError,
    Statement,
    TypeCode,
)
from oracle_emulator.profiles import PROFILES
from oracle_emulator.server import Ports, Server
from oracle_emulator.session.context import ServerContext
from oracle_emulator.session.logon import derive_key
from oracle_emulator.testing import running_server

SALT = b"0123456789abcdef"
PLACEHOLDER = re.compile(r":(\w+)")
KINDS = {"SELECT": Kind.QUERY, "INSERT": Kind.DML, "CREATE": Kind.DDL, "BEGIN": Kind.PLSQL}


class Result:
    def __init__(self, columns, rows):
        self.columns, self.rows, self.closed = columns, list(rows), False

    def fetch(self, rows):
        taken, self.rows = self.rows[:rows], self.rows[rows:]
        return taken, bool(self.rows)

    def close(self):
        self.closed = True


@dataclass
class Load:
    columns: tuple
    session: object
    rows: list = field(default_factory=list)

    def load(self, rows):
        self.rows += rows

    def finish(self):
        self.session.engine.loaded += self.rows

    def abort(self):
        self.rows.clear()


@dataclass
class Engine:
    """Both the database and its only session."""

    password: str = "tiger"
    status: int = 0
    rows: list = field(default_factory=list)
    loaded: list = field(default_factory=list)
    log: list = field(default_factory=list)
    types: list = field(default_factory=list)
    attributes: dict = field(default_factory=dict)
    in_transaction: bool = False
    load_columns: tuple = ()
    running: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def engine(self):
        return self

    def credentials(self, user):
        if user != "SCOTT":
            return None
        return Credentials(SALT, derive_key(self.password, SALT), self.status)

    def open_session(self, info):
        self.info = info
        return self

    def scan(self, sql):
        kind = KINDS.get(sql.split()[0].upper(), Kind.OTHER)
        binds = tuple(PLACEHOLDER.findall(sql))
        into = re.search(r"\bRETURNING\b.*\bINTO\b(.*)$", sql, re.IGNORECASE)
        returning = len(PLACEHOLDER.findall(into.group(1))) if into else 0
        return Statement(sql, kind, binds, returning)

    def execute(
        self, statement, rows, types, *, batch_errors=False, row_counts=False, describe_only=False
    ):
        self.log.append(statement.text)
        self.types = list(types)
        text = statement.text.upper()
        if "BUG" in text:
            raise RuntimeError("a defect")
        if match := re.search(r"FAIL (\d+)", text):
            raise OracleError(int(match.group(1)), "made to fail", offset=7, rows_done=2)
        if "WAIT" in text:
            self.running.set()
            self.cancelled.wait(20)
            raise OracleError(1013, "user requested cancel of current operation")
        if statement.kind is Kind.QUERY:
            return Outcome(cursor=self.query(statement, rows, types, describe_only))
        if statement.kind is Kind.DML:
            return self.dml(statement, rows, batch_errors, row_counts)
        if statement.kind is Kind.PLSQL:
            return Outcome(out_values=[f"out {v}" if isinstance(v, str) else None for v in rows[0]])
        return Outcome()

    def query(self, statement, rows, types, describe_only):
        if match := re.search(r"COUNT TO (\d+)", statement.text.upper()):
            number = OracleType(TypeCode.NUMBER, precision=9, scale=0)
            return Result((Column("N", number),), ([n + 1] for n in range(int(match.group(1)))))
        if statement.binds:
            shown = [OracleType(t.code, t.size or 4000, national=t.national) for t in types]
            columns = tuple(Column(f"C{n}", t) for n, t in enumerate(shown))
            return Result(columns, [] if describe_only else [list(rows[0])])
        word = statement.text.split()[1]
        kind = OracleType(TypeCode.CLOB if "clob" in word else TypeCode.VARCHAR, 4000)
        return Result((Column("C", kind),), [[word]])

    def dml(self, statement, rows, batch_errors, row_counts):
        bad = [n for n, row in enumerate(rows) if row and row[0] == -1]
        if bad and not batch_errors:
            self.rows += rows[: bad[0]]
            raise OracleError(1, "unique constraint (S.PK) violated", rows_done=bad[0])
        good = [row for n, row in enumerate(rows) if n not in bad]
        self.rows += good
        self.in_transaction = True
        outcome = Outcome(row_count=len(good), last_rowid="AAAR3sAAEAAAACXAAA")
        outcome.row_errors = [
            RowError(n, 1, "ORA-00001: unique constraint (S.PK) violated") for n in bad
        ]
        if row_counts:
            outcome.row_counts = [0 if n in bad else 1 for n in range(len(rows))]
        if statement.returning:
            outcome.returned = [
                [[value] * statement.returning for value in row[:1]] for row in rows
            ]
        return outcome

    def direct_path(self, schema, table, columns):
        return Load(self.load_columns, self)

    def commit(self):
        self.log.append("COMMIT")
        self.in_transaction = False

    def rollback(self):
        self.log.append("ROLLBACK")
        self.in_transaction = False

    def set_attributes(self, attributes):
        self.attributes |= attributes

    def cancel(self):
        self.cancelled.set()

    def close(self):
        self.log.append("CLOSE")
        self.ended.set()


#: The releases as parameters of tests that only talk to a server: each release's tests in one
#: worker, so that each server is started once.
RELEASES = [
    pytest.param(profile, marks=pytest.mark.xdist_group(f"oracle-emulator-{profile}"))
    for profile in ("19c", "23ai")
]


@pytest.fixture(scope="session")
def served():
    """Start a whole server of a release, once for all tests of this process."""
    started = {}
    with contextlib.ExitStack() as stack:

        def of(profile):
            if profile not in started:
                started[profile] = stack.enter_context(running_server(profile=profile))
            return started[profile]

        yield of


@pytest.fixture(scope="session", params=RELEASES)
def served_release(request, served):
    """A whole server of each release; accounts and tables stay, so take names of your own."""
    return served(request.param)


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture(params=["19c", "23ai"])
def profile(request):
    return PROFILES[request.param]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return ensure_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def context(engine, profile):
    return ServerContext(engine, profile, "FREEPDB1")


@pytest.fixture
def server(context, certificates):
    server = Server(context, certificates, Ports())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connect(server):
    opened = []

    def connect(**options):
        options = {"user": "scott", "password": "tiger", "dsn": dsn(server)} | options
        opened.append(oracledb.connect(**options))
        return opened[-1]

    yield connect
    for connection in opened:
        with contextlib.suppress(oracledb.Error):
            connection.close()


def dsn(server):
    return f"127.0.0.1:{server.port}/FREEPDB1"
