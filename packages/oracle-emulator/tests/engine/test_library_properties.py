"""The library cache changes nothing: with it and without it, the same after any DDL."""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle_emulator.engine.interface import OracleError
from oracle_emulator.engine.library import Library, Recent
from oracle_emulator.engine.translate import statements

Client = Any
Connect = Callable[[str], Client]

_names = itertools.count(1)
GUEST = 2
# T and S become now this, now that.
DEFINITIONS = [
    "TABLE {} (A NUMBER(5), B VARCHAR2(10))",
    "TABLE {} (A NUMBER(5), B VARCHAR2(10), C DATE)",
    "TABLE {} (B CLOB, A VARCHAR2(10))",
    "TABLE {} (A NUMBER GENERATED ALWAYS AS IDENTITY, B VARCHAR2(10))",
    "GLOBAL TEMPORARY TABLE {} (A NUMBER(5), B VARCHAR2(10)) ON COMMIT PRESERVE ROWS",
    "GLOBAL TEMPORARY TABLE {} (A NUMBER(5), B CLOB) ON COMMIT DELETE ROWS",
    "VIEW {} AS SELECT X.A, X.B FROM X",
    "SYNONYM {} FOR X",
]
CHANGES = [
    "ALTER TABLE T ADD (D NUMBER)", "ALTER TABLE T RENAME COLUMN B TO E", "TRUNCATE TABLE T",
    "GRANT SELECT, INSERT ON T TO {guest}", "REVOKE SELECT ON T FROM {guest}",
]  # fmt: skip
USES = [
    "SELECT * FROM T", "SELECT COUNT(*) FROM S", "SELECT DISTINCT B FROM T",
    "SELECT T.A, S.B FROM T, S WHERE T.A = S.A ORDER BY S.A",
    "INSERT INTO T VALUES (1, 'x')", "INSERT INTO S (B) VALUES ('z')", "DELETE FROM S",
    "MERGE INTO T USING S ON (T.A = S.A) WHEN MATCHED THEN UPDATE SET T.B = S.B",
]  # fmt: skip
ENDS = ["COMMIT", "ROLLBACK", "SAVEPOINT P", "ROLLBACK TO SAVEPOINT P"]
SCHEMAS = [f"ALTER SESSION SET CURRENT_SCHEMA = {{{name}}}" for name in ("owner", "guest")]
# The same few texts, by every session, while what they name becomes something else.
SHAPES = st.tuples(
    st.sampled_from(DEFINITIONS), st.sampled_from(DEFINITIONS), st.sampled_from(["", *CHANGES]),
    st.sampled_from(SCHEMAS), st.sampled_from(ENDS), st.permutations([0, 1, GUEST]),
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(USES), min_size=4, max_size=5, unique=True)


class World:
    """Two sessions of an owner, and one of a guest who often stands in the owner's schema."""

    def __init__(self, system: Client, connect: Connect) -> None:
        number = next(_names)
        self.names = {"owner": f"LIB{number}_OWN", "guest": f"LIB{number}_GUE"}
        for name in self.names.values():
            system.run(f'CREATE USER {name} IDENTIFIED BY "x" QUOTA UNLIMITED ON USERS')
            system.run(
                "GRANT CREATE SESSION, CREATE TABLE, CREATE VIEW, CREATE SYNONYM, "
                f"CREATE SEQUENCE TO {name}"
            )
        self.clients = [connect(self.names[who]) for who in ("owner", "owner", "guest")]
        for name in ("X", "T", "S"):
            for client in self.clients[1:]:
                client.run(f"CREATE TABLE {name} (A NUMBER(5), B VARCHAR2(10))")

    def begin(self) -> None:
        """As it was at the beginning."""
        self.become("T", DEFINITIONS[0])
        self.become("S", DEFINITIONS[0])
        self.clients[0].run("TRUNCATE TABLE X")
        for name in ("T", "S"):
            self.clients[GUEST].run(f"TRUNCATE TABLE {self.names['guest']}.{name}")
        self.run([GUEST], "ALTER SESSION SET CURRENT_SCHEMA = {owner}")

    def become(self, name: str, definition: str) -> list[object]:
        """A table is emptied first: rows of one's own in a temporary one would keep it."""
        for client in self.clients:
            client.session.rollback()
        objects = "SELECT OBJECT_TYPE FROM USER_OBJECTS WHERE OBJECT_NAME = :1"
        for (kind,) in self.clients[0].rows(objects, name):
            if kind == "TABLE":
                self.clients[0].run(f"TRUNCATE TABLE {name}")
            self.clients[0].run(f"DROP {kind} {name}")
        return self.run([0], f"CREATE {definition.format(name)}")

    def run(self, who: list[int], text: str) -> list[object]:
        # What would wait for locks of the others, who are of this very thread, ends them first.
        is_waiting = text in CHANGES or text.startswith(("DELETE", "MERGE"))
        done = []
        for one in who:
            for other in self.clients if is_waiting else ():
                if text in CHANGES or other is not self.clients[one]:
                    other.session.rollback()
            done.append(self.outcome(self.clients[one], text.format(**self.names)))
        return done

    def outcome(self, client: Client, text: str) -> object:
        """What a client sees of a statement: rows and columns, a count, or an error."""
        try:
            done = client.run(text)
            if done.cursor is None:
                return done.row_count
            rows, _ = done.cursor.fetch(100)
            columns = [(column.name, column.type) for column in done.cursor.columns]
            done.cursor.close()
            return columns, sorted(map(repr, rows))
        except OracleError as failed:
            return failed.code, failed.offset, re.sub(r"LIB\d+_", "", str(failed))


@contextmanager
def using(database: Any, library: Library) -> Iterator[None]:
    before, database.library = database.library, library
    try:
        yield
    finally:
        database.library = before


def test_shared_translations_change_nothing(
    database: Any, system: Client, connect: Connect
) -> None:
    shared, none = Library(), Library(entries=0)
    with_it, without = World(system, connect), World(system, connect)

    @settings(
        max_examples=8,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(TEXTS, st.lists(SHAPES, min_size=3, max_size=5))
    def check(texts: list[str], shapes: list[tuple[str, str, str, str, str, list[int]]]) -> None:
        for world in (with_it, without):
            world.begin()
        for t, s, change, schema, end, order in shapes:
            steps: list[tuple[str, Any, str]] = [("become", "T", t), ("become", "S", s)]
            steps += [("run", [0], change)] if change else []
            steps += [("run", [GUEST], schema), *(("run", order, text) for text in texts)]
            for action, what, text in [*steps, ("run", order, end)]:
                with using(database, none):
                    wanted = getattr(without, action)(what, text)
                with using(database, shared):
                    assert getattr(with_it, action)(what, text) == wanted, (what, text)

    check()


def test_a_translation_is_made_once_for_all_sessions(
    database: Any, client: Client, user: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    translate = statements.translate

    def counted(statement: Any, context: Any) -> Any:
        made.append(statement.text)
        return translate(statement, context)

    monkeypatch.setattr(statements, "translate", counted)
    client.run("CREATE GLOBAL TEMPORARY TABLE T (A NUMBER) ON COMMIT PRESERVE ROWS")
    other = connect(user)
    for session in (client, other, client):
        session.run("INSERT INTO T VALUES (:1)", [(1,)])
    client.run("CREATE TABLE ANOTHER (A NUMBER)")  # a DDL that has nothing to do with it
    other.run("INSERT INTO T VALUES (:1)", [(1,)])
    assert made == ["INSERT INTO T VALUES (:1)"]
    assert [session.one("SELECT COUNT(*) FROM T") for session in (client, other)] == [2, 2]
    client.run("CREATE TABLE C (A NUMBER, B NUMBER)")
    assert client.code("INSERT INTO C VALUES (1)") == 947
    other.run("DROP TABLE C")
    other.run("CREATE TABLE C (A NUMBER)")
    client.run("INSERT INTO C VALUES (1)")
    client.run("INSERT INTO C (A) VALUES (1)")
    other_kind = "CREATE TABLE C (A NUMBER GENERATED ALWAYS AS IDENTITY)"
    for text in ("DROP TABLE C", other_kind):
        client.run(text)
    assert client.code("INSERT INTO C (A) VALUES (1)") == 32795


@given(
    st.integers(0, 4),
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 12), st.booleans()), max_size=40),
)
def test_the_least_recently_used_goes_first(
    entries: int, chars: int, steps: list[tuple[int, int, bool]]
) -> None:
    recent = Recent[int, int](entries, chars)
    model: OrderedDict[int, int] = OrderedDict()
    for key, size, puts in steps:
        if puts:
            recent.put(key, size, size)
            model.pop(key, None)
            model[key] = size
            while model and (len(model) > entries or sum(model.values()) > chars):
                model.popitem(last=False)
        else:
            assert recent.get(key) == model.get(key)
            if key in model:
                model.move_to_end(key)
    assert {key: recent.get(key) for key in range(7)} == {key: model.get(key) for key in range(7)}
