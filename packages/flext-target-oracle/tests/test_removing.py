"""Rows that a repair removes: which go, what is noted, and who is kept out (delivery.md §5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flext_target_oracle import fence, removing
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import DeletesRefusedError, FenceHeldError
from flext_target_oracle.fence import Holder
from flext_target_oracle.removing import Doomed, Removed
from flext_target_oracle.settings import load

ROWS = 60
WRITTEN = "TIMESTAMP '2026-01-02 03:04:05'"


@pytest.fixture
def database(oracle_account: Any) -> Iterator[Database]:
    made = Database(load(oracle_account.settings()), run_id="r")
    yield made
    made.close()


@pytest.fixture
def remove(database: Database, oracle_account: Any) -> Any:
    """A table of 60 rows whose ids below 10 no load has written, and the removal from it."""
    oracle_account.execute(
        'CREATE TABLE "WMS_S" ("ID" NUMBER(38), "T" VARCHAR2(9), "_SDC_BATCHED_AT" TIMESTAMP(6),'
        ' "_SDC_DELETED_AT" TIMESTAMP(6))',
        *[
            f"INSERT INTO \"WMS_S\" VALUES ({key}, 'x', {'NULL' if key < 10 else WRITTEN}, NULL)"
            for key in range(1, ROWS + 1)
        ],
    )

    def call(**options: Any) -> Removed:
        doomed = Doomed(
            **{k: options.pop(k) for k in ("unwritten", "gone", "repeated") if k in options}
        )
        settings = load({**oracle_account.settings(), **options})
        holder = Holder("a:repair", "r", "r-owner", "l")
        return removing.remove(database, settings, holder, "s", "ID", doomed)

    return call


def ids(account: Any, where: str = "1 = 1") -> list[int]:
    found = account.rows(f'SELECT "ID" FROM "WMS_S" WHERE {where} ORDER BY "ID"')
    return [int(row[0]) for row in found]


def test_rows_that_no_load_has_written_go_and_others_stay(remove: Any, oracle_account: Any) -> None:
    assert remove(unwritten=[3, 4, 11]) == Removed(2, 0)
    assert ids(oracle_account) == [each for each in range(1, ROWS + 1) if each not in {3, 4}]
    (row,) = oracle_account.rows(
        'SELECT "SCOPE", "STREAM", "ROWS_DELETED", "RUN_ID" FROM "FLEXT_LEDGER"'
    )
    assert row == ("a:repair", "s", 2, "r")


@pytest.mark.parametrize(
    ("on_missing", "left", "marked"), [("keep", 60, 0), ("soft", 60, 2), ("hard", 58, 0)]
)
def test_what_becomes_of_gone_rows_is_on_missings_to_say(
    remove: Any, oracle_account: Any, on_missing: str, left: int, marked: int
) -> None:
    found = remove(gone=[20, 21], on_missing=on_missing)
    assert found == Removed(ROWS - left, marked)
    assert len(ids(oracle_account)) == left
    assert len(ids(oracle_account, '"_SDC_DELETED_AT" IS NOT NULL')) == marked


def test_of_a_repeated_key_one_row_stays_and_the_key_comes_back(
    remove: Any, oracle_account: Any
) -> None:
    again = f"INSERT INTO \"WMS_S\" VALUES (30, 'y', {WRITTEN}, NULL)"
    oracle_account.execute(again, again, again)
    assert remove(repeated=[30]) == Removed(3, 0)
    assert ids(oracle_account) == list(range(1, ROWS + 1))
    ((name,),) = oracle_account.rows(
        "SELECT CONSTRAINT_NAME FROM USER_CONSTRAINTS WHERE TABLE_NAME = 'WMS_S'"
        " AND CONSTRAINT_TYPE = 'P'"
    )
    assert name == "PK_WMS_S"


def test_more_than_the_share_that_may_go_is_refused_whole(remove: Any, oracle_account: Any) -> None:
    with pytest.raises(DeletesRefusedError, match=r"4 of the 60 rows .* max_delete_percent \(5\)"):
        remove(unwritten=[1, 2, 3, 4], repeated=[30])
    assert len(ids(oracle_account)) == ROWS
    assert remove(unwritten=[1, 2, 3, 4], max_delete_percent=7) == Removed(4, 0)


def test_a_table_at_work_is_left_alone_and_given_back(
    remove: Any, database: Database, oracle_account: Any
) -> None:
    assert remove(unwritten=[1]) == Removed(1, 0)
    schema = oracle_account.user
    with database.session("t") as session:
        taken = fence.take(
            session, schema=schema, table=f"{schema}.WMS_S", holder=Holder("b", "r2", "o2", "l2")
        )
    with pytest.raises(FenceHeldError, match="run r2 of o2, scope b"):
        remove(unwritten=[2])
    assert 2 in ids(oracle_account)
    with database.session("t") as session:
        fence.give_back(session, taken)
    assert remove(unwritten=[2]) == Removed(1, 0)
    assert oracle_account.rows(
        'SELECT COUNT(*) FROM "FLEXT_FENCE" WHERE "EXCLUSIVE_FOR" IS NOT NULL'
    ) == [(0,)]
