"""The lease's life under a clock that the test turns; the file is real."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flext_coordination import (
    Lease,
    LeaseHeldError,
    LeaseLostError,
    LeaseRecord,
    TokenFileError,
    acquire,
    force_release,
    read,
)
from flext_coordination.records import MAX_EVENTS
from flext_coordination.token_text import format_records

if TYPE_CHECKING:
    from pathlib import Path

SCOPE = "dev:a-to-b"
DEADLINE_S = 30.0


class TurnedClock:
    """A clock that goes only when it is turned."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def turn(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


def take(workspace: Path, clock: TurnedClock, run_id: str = "r1", scope: str = SCOPE) -> Lease:
    return acquire(workspace, scope, run_id=run_id, owner="target", ttl_s=60, clock=clock)


def only(workspace: Path) -> LeaseRecord:
    (record,) = read(workspace)
    return record


def rewrite(workspace: Path, record: LeaseRecord) -> None:
    (workspace / ".token").write_text(format_records([record]), encoding="utf-8")


def expect_lost(lease: Lease) -> LeaseLostError:
    """Wait until the lease's own heartbeat has noticed."""
    pause = threading.Event()
    for _ in range(int(DEADLINE_S / 0.02)):
        try:
            lease.check()
        except LeaseLostError as lost:
            return lost
        pause.wait(0.02)
    raise AssertionError("the loss was never noticed")


def test_the_file_says_who_holds_the_scope(tmp_path: Path, clock: TurnedClock) -> None:
    take(tmp_path, clock).record_fence(7)
    record = only(tmp_path)
    assert (record.scope, record.state, record.owner, record.run_id) == (
        SCOPE, "held", "target", "r1",
    )  # fmt: skip
    assert (record.pid, record.fence) == (os.getpid(), 7)
    assert record.expires_at - record.acquired_at == timedelta(seconds=60)
    assert [event.text for event in record.events] == ["acquired by target, run r1"]


def test_file_and_lock_are_the_owners_alone(tmp_path: Path, clock: TurnedClock) -> None:
    before = os.umask(0)
    try:
        take(tmp_path, clock)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {".token": 0o600, ".token.lock": 0o600}


def test_a_second_run_is_refused_with_who_since_when_and_what_to_do(
    tmp_path: Path, clock: TurnedClock
) -> None:
    take(tmp_path, clock)
    text = (tmp_path / ".token").read_bytes()
    clock.turn(59)
    with pytest.raises(LeaseHeldError) as caught:
        take(tmp_path, clock, "r2")
    said = str(caught.value)
    for part in (SCOPE, "target", "r1", str(os.getpid()), "since 2026-01-31 08:00:00 UTC", "wait"):
        assert part in said
    assert caught.value.held.run_id == "r1"
    assert (tmp_path / ".token").read_bytes() == text


def test_scopes_do_not_stand_in_each_others_way(tmp_path: Path, clock: TurnedClock) -> None:
    one, two = take(tmp_path, clock), take(tmp_path, clock, scope="other")
    one.record_fence(1)
    two.record_fence(2)
    one.release("completed")
    assert [(r.scope, r.state, r.fence) for r in read(tmp_path)] == [
        (SCOPE, "released", 1), ("other", "held", 2),
    ]  # fmt: skip


def test_a_released_scope_is_free_and_its_history_stays(tmp_path: Path, clock: TurnedClock) -> None:
    take(tmp_path, clock).release("completed")
    take(tmp_path, clock, "r2")
    assert [event.text for event in only(tmp_path).events] == [
        "acquired by target, run r1", "released: completed", "acquired by target, run r2",
    ]  # fmt: skip
    for number in range(10):
        clock.turn(60)
        take(tmp_path, clock, f"again-{number}")
    assert len(only(tmp_path).events) == MAX_EVENTS
    assert only(tmp_path).events[-1].text.endswith("run again-9")


def test_an_expired_lease_is_taken_over_and_its_owner_learns_it(
    tmp_path: Path, clock: TurnedClock
) -> None:
    first = take(tmp_path, clock)
    clock.turn(60)
    second = take(tmp_path, clock, "r2")
    assert "taken over (the lease of run r1 had expired)" in only(tmp_path).events[-1].text
    for change in (first.heartbeat, lambda: first.record_fence(3), lambda: first.release("x")):
        with pytest.raises(LeaseLostError, match=r"taken over by target \(run r2"):
            change()
    with pytest.raises(LeaseLostError):
        first.check()
    assert only(tmp_path) == second.record


def test_a_heartbeat_holds_the_scope_for_longer(tmp_path: Path, clock: TurnedClock) -> None:
    lease = take(tmp_path, clock)
    clock.turn(50)
    lease.heartbeat()
    clock.turn(50)
    with pytest.raises(LeaseHeldError):
        take(tmp_path, clock, "r2")
    clock.turn(100)  # expired, but nobody took it: it is still ours
    lease.heartbeat()
    with pytest.raises(LeaseHeldError):
        take(tmp_path, clock, "r2")


def test_the_same_run_again_is_another_lease(tmp_path: Path, clock: TurnedClock) -> None:
    first = take(tmp_path, clock)
    clock.turn(61)
    take(tmp_path, clock)
    with pytest.raises(LeaseLostError):
        first.heartbeat()


def test_a_lineage_goes_on_over_runs_until_the_file_is_deleted(
    tmp_path: Path, clock: TurnedClock
) -> None:
    """docs/specs/token.md, rule 5: what the fences in the database know the runs by."""
    first = take(tmp_path, clock, "r1")
    first.release("completed")
    second = take(tmp_path, clock, "r2")
    clock.turn(61)
    third = take(tmp_path, clock, "r3")
    force_release(tmp_path, SCOPE, by="a person")
    fourth = take(tmp_path, clock, "r4")
    lineages = {lease.record.lineage for lease in (first, second, third, fourth)}
    assert len(lineages) == 1
    (tmp_path / ".token").unlink()
    fourth.heartbeat()  # written anew by the run that holds it
    assert only(tmp_path).lineage in lineages
    (tmp_path / ".token").unlink()
    assert take(tmp_path, clock, "r5").record.lineage not in lineages
    assert acquire(tmp_path, "another", run_id="r", owner="o").record.lineage not in lineages


def test_a_pid_that_another_process_has_now_is_not_the_holder(
    tmp_path: Path, clock: TurnedClock
) -> None:
    take(tmp_path, clock)
    held = only(tmp_path)
    rewrite(tmp_path, replace(held, process_key=held.process_key[:-1] + "x"))
    take(tmp_path, clock, "r2")
    assert f"process {os.getpid()} of run r1 is gone" in only(tmp_path).events[-1].text


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"process_key": "other-boot:1:5"}])
def test_a_process_elsewhere_is_never_thought_gone(
    tmp_path: Path, clock: TurnedClock, change: dict[str, str]
) -> None:
    take(tmp_path, clock)
    rewrite(tmp_path, replace(only(tmp_path), pid=2**22 + 5, **change))  # type: ignore[arg-type]  # text fields only
    with pytest.raises(LeaseHeldError):
        take(tmp_path, clock, "r2")
    clock.turn(60)
    take(tmp_path, clock, "r2")
    assert "had expired" in only(tmp_path).events[-1].text


def test_leaving_the_block_releases_with_the_outcome(tmp_path: Path, clock: TurnedClock) -> None:
    with take(tmp_path, clock):
        assert only(tmp_path).state == "held"
    assert only(tmp_path).state == "released"
    assert only(tmp_path).events[-1].text == "released: completed"
    with pytest.raises(KeyError), take(tmp_path, clock, "r2"):
        raise KeyError("secret detail")
    assert only(tmp_path).events[-1].text == "released: failed: KeyError"
    with pytest.raises(SystemExit), take(tmp_path, clock, "r3"):
        raise SystemExit(0)
    assert only(tmp_path).events[-1].text == "released: completed"
    with take(tmp_path, clock, "r4") as lease:
        lease.release("12 rows")
    assert only(tmp_path).events[-1].text == "released: 12 rows"


def test_a_lost_lease_makes_leaving_the_block_an_error(tmp_path: Path, clock: TurnedClock) -> None:
    def run() -> None:
        with take(tmp_path, clock):
            clock.turn(60)
            take(tmp_path, clock, "r2")

    with pytest.raises(LeaseLostError):
        run()
    assert only(tmp_path).run_id == "r2"
    assert only(tmp_path).state == "held"


def test_an_error_in_the_block_stays_the_error_when_the_lease_is_lost_too(
    tmp_path: Path, clock: TurnedClock
) -> None:
    def run() -> None:
        with take(tmp_path, clock):
            clock.turn(60)
            take(tmp_path, clock, "r2")
            raise KeyError

    with pytest.raises(KeyError) as caught:
        run()
    assert "was not released" in caught.value.__notes__[0]


def test_the_heartbeat_in_the_thread_notices_the_loss(tmp_path: Path) -> None:
    lease = acquire(tmp_path, SCOPE, run_id="r1", owner="target", ttl_s=0.3)
    lease.start_heartbeat()
    freed = force_release(tmp_path, SCOPE, by="a person")
    assert freed is not None
    assert freed.run_id == "r1"
    assert "released by a person" in str(expect_lost(lease))
    with pytest.raises(LeaseLostError):
        lease.release("completed")


def test_the_heartbeat_in_the_thread_renews(tmp_path: Path) -> None:
    with acquire(tmp_path, SCOPE, run_id="r1", owner="target", ttl_s=0.3) as lease:
        first, pause = lease.record.expires_at, threading.Event()
        for _ in range(int(DEADLINE_S / 0.02)):
            if only(tmp_path).expires_at > first + timedelta(seconds=0.3):
                break
            pause.wait(0.02)
        assert only(tmp_path).expires_at > first + timedelta(seconds=0.3)


def test_a_lease_that_cannot_be_renewed_for_its_whole_time_is_lost(tmp_path: Path) -> None:
    lease = acquire(tmp_path, SCOPE, run_id="r1", owner="target", ttl_s=0.3)
    lease.start_heartbeat()
    (tmp_path / ".token").write_text("no key\n", encoding="utf-8")
    assert "could not be renewed for 0.3 s" in str(expect_lost(lease))
    with pytest.raises(LeaseLostError):
        lease.release("completed")


def test_a_deleted_file_is_written_anew(tmp_path: Path, clock: TurnedClock) -> None:
    lease = take(tmp_path, clock)
    lease.record_fence(7)
    (tmp_path / ".token").unlink()
    lease.heartbeat()
    assert (only(tmp_path).run_id, only(tmp_path).fence) == ("r1", 7)
    assert "written anew" in only(tmp_path).events[-1].text


def test_a_file_nobody_understands_is_refused_and_kept(tmp_path: Path, clock: TurnedClock) -> None:
    path = tmp_path / ".token"
    for raw, place in ((b"SCOPE=x\nSTATE\n", "line 2"), (b"# a\n\xff\n", "line 2")):
        path.write_bytes(raw)
        with pytest.raises(TokenFileError, match=rf"\.token, {place}: .*delete the file"):
            take(tmp_path, clock)
        assert path.read_bytes() == raw


def test_releasing_what_nobody_holds_changes_nothing(tmp_path: Path, clock: TurnedClock) -> None:
    assert force_release(tmp_path, SCOPE, by="a person") is None
    take(tmp_path, clock).release("completed")
    before = only(tmp_path)
    assert force_release(tmp_path, SCOPE, by="a person") is None
    assert only(tmp_path) == before


@pytest.mark.parametrize(
    "values",
    [{"scope": ""}, {"run_id": "x" * 121}, {"owner": ""}, {"ttl_s": 0}, {"ttl_s": float("nan")}],
)
def test_senseless_values_are_refused_before_any_file_is_touched(
    tmp_path: Path, values: dict[str, object]
) -> None:
    given = {"scope": SCOPE, "run_id": "r", "owner": "o"} | values
    scope = given.pop("scope")
    with pytest.raises(ValueError, match="must"):
        acquire(tmp_path, scope, **given)  # type: ignore[arg-type]  # senseless on purpose
    assert list(tmp_path.iterdir()) == []


def test_a_negative_fence_is_refused(tmp_path: Path, clock: TurnedClock) -> None:
    with pytest.raises(ValueError, match="negative"):
        take(tmp_path, clock).record_fence(-1)
    assert only(tmp_path).fence is None
