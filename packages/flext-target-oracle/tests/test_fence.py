"""docs/specs/delivery.md §5: taking, renewing, giving back, and keeping others out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from flext_target_oracle import applying, control_tables, fence, loads
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import DatabaseError, FenceHeldError, FenceLostError
from flext_target_oracle.fence import Fence, Holder
from flext_target_oracle.heartbeat import Heartbeat
from flext_target_oracle.settings import load

WAIT_S = 60


@pytest.fixture
def database(oracle_account: Any) -> Iterator[Database]:
    made = Database(load(oracle_account.settings()), run_id="r")
    with made.session("t") as session:
        control_tables.ensure(session, oracle_account.user)
    yield made
    made.close()


@pytest.fixture
def take(database: Database, oracle_account: Any) -> Any:
    """Take the fence of table S.T for a scope, as a run of a lineage."""

    def call(scope: str = "a", *, run: str = "r", lineage: str = "l", **options: Any) -> Fence:
        holder = Holder(scope, run, f"{run}-owner", lineage)
        with database.session("take") as session:
            return fence.take(
                session, schema=oracle_account.user, table="S.T", holder=holder, **options
            )

    return call


def expire(account: Any, scope: str = "a") -> None:
    account.execute(
        'UPDATE "FLEXT_FENCE" SET "EXPIRES_AT" = "EXPIRES_AT" - NUMTODSINTERVAL(61, \'SECOND\')'
        f" WHERE \"SCOPE\" = '{scope}'"
    )


def expiry(account: Any, scope: str = "a") -> datetime:
    sql = 'SELECT "EXPIRES_AT" FROM "FLEXT_FENCE" WHERE "SCOPE" = :1'
    found: datetime = account.rows(sql, [scope])[0][0]
    return found


def test_each_taking_adds_one_and_knows_the_run_before(take: Any) -> None:
    first, second = take(run="r1"), take(run="r2")
    assert (first.number, first.run_before) == (1, None)
    assert (second.number, second.run_before) == (2, "r1")


def test_a_live_lease_of_another_lineage_is_refused_until_it_expires(
    take: Any, oracle_account: Any
) -> None:
    take(run="r1", lineage="here")
    with pytest.raises(FenceHeldError, match=r"run r1 of r1-owner until .* UTC"):
        take(run="r2", lineage="there")
    expire(oracle_account)
    assert take(run="r2", lineage="there").number == 2


def test_what_was_given_back_is_free(take: Any, database: Database) -> None:
    held = take(lineage="here")
    with database.session("t") as session:
        fence.give_back(session, held)
    assert take(lineage="there").number == 2


def test_giving_back_leaves_anothers_lease_alone(
    take: Any, database: Database, oracle_account: Any
) -> None:
    old, _ = take(run="r1"), take(run="r2")
    before = expiry(oracle_account)
    with database.session("t") as session:
        fence.give_back(session, old)
    assert expiry(oracle_account) == before


def test_a_step_passes_once_in_order_and_renews(
    take: Any, database: Database, oracle_account: Any
) -> None:
    held = take()
    expire(oracle_account)
    before = expiry(oracle_account)
    with database.session("t") as session:
        fence.step(session, held, 1)
        session.commit()
        assert fence.was_committed(session, held, 1)
        assert not fence.was_committed(session, held, 2)
        for number in (1, 3):
            with pytest.raises(FenceLostError, match="sequence 1; this run has fence 1"):
                fence.step(session, held, number)
    assert expiry(oracle_account) > before


@pytest.mark.parametrize(("held_s", "is_live"), [(10, False), (31, True)])
def test_a_long_transaction_renews_again(
    take: Any, database: Database, oracle_account: Any, held_s: float, is_live: bool
) -> None:
    """Who waited for its commit finds the lease live."""
    held = take(lineage="here")
    with database.session("t") as session:
        fence.step(session, held, 1)
        session.execute(
            'UPDATE "FLEXT_FENCE" SET "EXPIRES_AT" = "EXPIRES_AT" - 1', what="time passes"
        )
        fence.prolong(session, held, held_s)
        session.commit()
    if is_live:
        with pytest.raises(FenceHeldError):
            take(lineage="there")
    else:
        assert take(lineage="there").number == 2


@pytest.mark.parametrize("method", ["upsert", "overwrite"])
def test_a_batch_or_a_swap_that_took_long_renews_before_its_commit(
    target: Any, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    renewals = list[float]()
    real = fence.prolong

    def noted(session: Any, held: Fence, held_s: float) -> None:
        real(session, held, held_s)
        renewals.append(held_s)

    monkeypatch.setattr(fence, "prolong", noted)
    clock = (float(31 * n) for n in count())
    for module in (applying, loads):
        monkeypatch.setattr(module, "monotonic_s", lambda: next(clock))
    version = {"stream": "s", "version": 1}
    schema = {"properties": {"id": {"type": "integer"}}}
    target.ok(
        [
            {"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["id"]},
            {"type": "RECORD", "record": {"id": 1}} | version,
            {"type": "ACTIVATE_VERSION"} | version,
        ],
        load_method=method,
    )
    assert min(renewals) >= 31
    assert len(renewals) == 2  # the batch, and the end of the load


def test_a_beat_renews_unless_a_transaction_holds_the_row(
    take: Any, database: Database, oracle_account: Any
) -> None:
    held = take()
    heartbeat = Heartbeat(database)
    expire(oracle_account)
    before = expiry(oracle_account)
    with database.session("batch") as batch:
        fence.step(batch, held, 1)
        heartbeat.beat([held])  # neither waits nor fails
        assert expiry(oracle_account) == before
        batch.rollback()
    heartbeat.beat([held])
    assert expiry(oracle_account) > before


def test_the_heartbeat_beats_and_finds_a_take_over(
    take: Any, database: Database, oracle_account: Any
) -> None:
    held = take(run="r1")
    heartbeat = Heartbeat(database, beat_s=0.01)
    heartbeat.check()
    take(run="r2")
    heartbeat.hold(held)
    thread = heartbeat._thread
    assert thread is not None
    thread.join(WAIT_S)  # it ends by itself when it finds out
    with pytest.raises(FenceLostError, match="now held by run r2"):
        heartbeat.check()
    heartbeat.give_back()


def test_a_row_that_stays_locked_is_named_with_the_session(
    take: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = take(run="r1")
    monkeypatch.setattr(fence, "WAIT_S", 1)
    with database.session("batch") as batch:
        fence.step(batch, held, 1)
        with pytest.raises(DatabaseError) as caught:
            take(run="r2")
    assert caught.value.code == "ORA-30006"
    for part in ("stayed locked for 1 s", "run r1 of r1-owner", "V$SESSION", "KILL SESSION"):
        assert part in str(caught.value)


def test_who_may_read_v_session_is_told_the_session(
    take: Any, database: Database, oracle_server: Any, oracle_account: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    oracle_server.system.execute(f"GRANT SELECT ANY DICTIONARY TO {oracle_account.user}")
    held = take(run="r")
    monkeypatch.setattr(fence, "WAIT_S", 1)
    with database.session("batch") as batch:
        (sid,) = batch.query("SELECT SYS_CONTEXT('USERENV','SID') FROM DUAL", what="t")[0]
        fence.step(batch, held, 1)
        with pytest.raises(DatabaseError, match=rf"SID {sid}, SERIAL# \d+ of"):
            take(run="r2")


# exclusive operations


def test_an_exclusive_operation_is_refused_beside_a_live_scope(
    take: Any, database: Database, oracle_account: Any
) -> None:
    mine = take("a", run="r1")
    other = take("b", run="r2")
    refusal = r"swap needs S\.T for itself, and run r2 of r2-owner"
    with pytest.raises(FenceHeldError, match=refusal), fence.exclusive(database, mine, "swap"):
        pytest.fail("the table was not free")
    with database.session("t") as session:
        fence.step(session, other, 1)  # the other scope goes on
        session.commit()
    assert take("c").number == 1  # and nothing is marked


def test_an_exclusive_operation_keeps_others_out_while_it_runs(
    take: Any, database: Database, oracle_account: Any
) -> None:
    mine = take("a", run="r1")
    paused = take("b", run="r2")
    expire(oracle_account, "b")
    with fence.exclusive(database, mine, "swap"):
        with pytest.raises(
            FenceHeldError, match=r"run r1 .* scope a, has the table for itself \(swap"
        ):
            take("c")
        with database.session("t") as session, pytest.raises(FenceLostError):
            fence.step(session, paused, 1)  # it wakes up in the middle
        with database.session("t") as session:
            fence.step(session, mine, 1)
            session.commit()
    assert take("c").number == 2
    assert take("b").number == 3


def test_a_mark_whose_run_died_ends_with_its_lease(
    take: Any, database: Database, oracle_account: Any
) -> None:
    mine = take("a")
    with database.session("t") as session:
        fence.begin_exclusive(session, mine, "swap")
    with pytest.raises(FenceHeldError):
        take("b")
    expire(oracle_account, "a")
    take("b")
    assert take("a").number == 2  # taking the fence anew clears the mark
    assert take("b").number > 1


def test_who_lost_the_fence_cannot_begin_an_exclusive_operation(
    take: Any, database: Database
) -> None:
    old, _ = take("a"), take("a", run="r2")
    with database.session("t") as session, pytest.raises(FenceLostError, match="run r2"):
        fence.begin_exclusive(session, old, "swap")


# the ledger


def test_old_ledger_rows_of_earlier_runs_go_when_the_fence_is_taken(
    take: Any, oracle_account: Any
) -> None:
    """§9: never those of the newest run, whatever their age."""
    insert = (
        'INSERT INTO "FLEXT_LEDGER" ("TABLE_NAME", "SCOPE", "FENCE", "SEQ", "COMMITTED_AT")'
        " VALUES ('S.T', '{}', {}, {}, CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS TIMESTAMP(6))"
        " - NUMTODSINTERVAL({}, 'DAY'))"
    )
    take("a"), take("a"), take("a")
    kept = {("a", 1, 1, 80), ("a", 3, 1, 100), ("b", 1, 1, 100)}
    for row in (*kept, ("a", 1, 2, 100), ("a", 2, 1, 95)):
        oracle_account.execute(insert.format(*row))
    take("a", keep_days=90)
    sql = 'SELECT "SCOPE", "FENCE", "SEQ" FROM "FLEXT_LEDGER"'
    assert set(oracle_account.rows(sql)) == {row[:3] for row in kept}
    take("a", keep_days=0)
    assert len(oracle_account.rows(sql)) == len(kept)
