"""What is remembered of reads is what a read would give now."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms_emulator.store.database import Database

_COUNT = "SELECT count(*) FROM t WHERE n < ?"
_STEPS = st.lists(
    st.sampled_from(["insert", "delete", "update", "undone insert", "image", "read"]), max_size=30
)


class _UndoneError(Exception):
    pass


def _write_and_fail(database: Database) -> None:
    with database.transaction():
        database.execute("INSERT INTO t VALUES (2)")
        database.unchanged(_COUNT, (5,))
        raise _UndoneError


def _step(database: Database, step: str, image: bytes) -> None:
    match step:
        case "insert":
            database.execute("INSERT INTO t VALUES (1)")
        case "delete":
            database.execute("DELETE FROM t WHERE rowid = (SELECT min(rowid) FROM t)")
        case "update":
            database.execute("UPDATE t SET n = 9")
        case "image":
            database.take(image)
        case "undone insert":
            with pytest.raises(_UndoneError):
                _write_and_fail(database)


@given(_STEPS)
def test_unchanged_is_what_is_so(steps: list[str]) -> None:
    with Database(None, UTC) as database:
        database.execute("CREATE TABLE t (n INTEGER)")
        image = database.image()
        for step in steps:
            _step(database, step, image)
            for limit in (5, 10):
                now = database.execute(_COUNT, (limit,)).fetchone()
                assert database.unchanged(_COUNT, (limit,)) == now
