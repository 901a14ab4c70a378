"""Bad days with real processes: killed while writing, stopped, clocks that jump, full disks."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pytest

from flext_coordination import TokenFileError, acquire, read, token_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCOPE = "dev:a-to-b"
#: A holder whose clock and disk can be spoilt. Commands on stdin, one answer line each on stdout.
HOLDER = """
import resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from flext_coordination import CoordinationError, acquire
workspace, scope, run_id = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
ahead = timedelta()
def clock(): return datetime.now(UTC) + ahead
lease = None
for line in sys.stdin:
    command, _, value = line.strip().partition(" ")
    try:
        if command == "acquire":
            lease = acquire(workspace, scope, run_id=run_id, owner="holder", clock=clock)
        elif command == "turn":
            ahead = timedelta(seconds=float(value))
        elif command == "disk":
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(value), resource.RLIM_INFINITY))
        elif command == "heartbeat":
            lease.heartbeat()
        elif command == "fence":
            lease.record_fence(int(value))
        elif command == "release":
            lease.release("completed")
        print("done", flush=True)
    except CoordinationError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
"""
#: Takes the scope, and is killed by itself before the n-th of the file operations of a heartbeat.
KILLED = """
import io, os, signal, sys
from pathlib import Path
from flext_coordination import acquire
workspace, last = Path(sys.argv[1]), int(sys.argv[2])
lease = acquire(workspace, "s", run_id="killed", owner="test")
count = 0
def dying(function):
    def call(*args, **options):
        global count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **options)
    return call
for name in ("open", "fsync", "close", "fdopen"):
    setattr(os, name, dying(getattr(os, name)))
for name in ("replace", "unlink"):
    setattr(Path, name, dying(getattr(Path, name)))
lease.record_fence(77)
os.write(1, str(count).encode())
"""


class Holder(subprocess.Popen[str]):
    """A process that takes commands."""

    def ask(self, command: str) -> str:
        assert self.stdin is not None
        assert self.stdout is not None
        self.stdin.write(command + "\n")
        self.stdin.flush()
        return self.stdout.readline().rstrip("\n")


class Start(Protocol):
    def __call__(self, run_id: str, *, host: str = "") -> Holder: ...


@pytest.fixture
def start_holder(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(run_id: str, *, host: str = "") -> Holder:
            command = [sys.executable, "-c", HOLDER, str(tmp_path), SCOPE, run_id]
            environ = os.environ | {"FLEXT_HOST": host}
            pipe = subprocess.PIPE
            holder = Holder(command, stdin=pipe, stdout=pipe, text=True, env=environ)
            stack.callback(end, holder)
            return holder

        yield start


def end(holder: Holder) -> None:
    holder.kill()
    holder.communicate(timeout=30)


def test_a_holder_killed_at_any_point_of_writing_leaves_a_whole_file(tmp_path: Path) -> None:
    seen, point = set(), 0
    while True:
        point += 1
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(point)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        (record,) = read(tmp_path)  # whole, whatever happened
        assert record.run_id == "killed"
        seen.add(record.fence)
        # The next run is not kept waiting by what the dead one had locked or left.
        acquire(tmp_path, "s", run_id="next", owner="test").release("completed")
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == [".token", ".token.lock"], point
        if done.returncode == 0:
            assert int(done.stdout) == point - 1
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert point > 6
    assert seen == {None, 77}  # killed before the rename and after it


def test_a_stopped_holder_that_wakes_after_a_take_over_writes_nothing(
    tmp_path: Path, start_holder: Start
) -> None:
    first, second = start_holder("r1", host="node-1"), start_holder("r2", host="node-2")
    assert first.ask("acquire") == "done"
    os.kill(first.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, first.pid, os.WSTOPPED)
    assert second.ask("acquire").startswith("LeaseHeldError: ")
    assert second.ask("turn 61") == "done"  # a minute passes where the second is
    assert second.ask("acquire") == "done"
    taken = (tmp_path / ".token").read_bytes()
    os.kill(first.pid, signal.SIGCONT)
    for command in ("heartbeat", "fence 9", "release"):
        assert first.ask(command).startswith("LeaseLostError: "), command
    assert (tmp_path / ".token").read_bytes() == taken
    assert second.ask("fence 10") == "done"


def test_a_clock_set_back_loses_the_lease_and_never_gives_it_to_two(
    tmp_path: Path, start_holder: Start
) -> None:
    first, second = start_holder("r1", host="node-1"), start_holder("r2", host="node-2")
    assert first.ask("acquire") == "done"
    assert first.ask("turn -3600") == "done"
    assert first.ask("heartbeat") == "done"  # says now that it expired an hour ago
    assert second.ask("acquire") == "done"
    assert "run r2" in first.ask("heartbeat")
    assert [record.run_id for record in read(tmp_path)] == ["r2"]


def test_a_clock_set_forward_keeps_the_scope_and_a_dead_holder_frees_it_on_its_own_host(
    tmp_path: Path, start_holder: Start
) -> None:
    first = start_holder("r1", host="node-1")
    assert first.ask("turn 3600") == "done"
    assert first.ask("acquire") == "done"
    elsewhere = start_holder("r2", host="node-2")
    assert elsewhere.ask("acquire").startswith("LeaseHeldError: ")
    first.kill()
    first.wait()
    # From elsewhere nobody can tell that it is dead, and its lease says that it lasts an hour.
    assert elsewhere.ask("acquire").startswith("LeaseHeldError: ")
    assert start_holder("r3", host="node-1").ask("acquire") == "done"


def test_two_hosts_at_once_and_exactly_one_gets_the_scope(
    tmp_path: Path, start_holder: Start
) -> None:
    holders = [start_holder(f"r{n}", host=f"node-{n % 2}") for n in range(4)]
    for holder in holders:
        assert holder.stdin is not None
        holder.stdin.write("acquire\n")
        holder.stdin.flush()
    answers = []
    for holder in holders:
        assert holder.stdout is not None
        answers.append(holder.stdout.readline().partition(":")[0].rstrip("\n"))
    assert sorted(answers) == ["LeaseHeldError"] * 3 + ["done"]
    (record,) = read(tmp_path)
    assert (record.run_id, record.host) == (
        f"r{answers.index('done')}",
        f"node-{answers.index('done') % 2}",
    )


def test_a_disk_that_fills_during_a_run_keeps_the_lease_and_the_file(
    tmp_path: Path, start_holder: Start
) -> None:
    first = start_holder("r1")
    assert first.ask("acquire") == "done"
    before = (tmp_path / ".token").read_bytes()
    assert first.ask("disk 100") == "done"
    for command in ("heartbeat", "fence 5", "release"):
        answer = first.ask(command)
        assert answer.startswith("TokenFileError: "), answer
        assert "free space" in answer
    assert (tmp_path / ".token").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".token", ".token.lock"]
    assert first.ask("disk 1000000") == "done"  # somebody made room
    assert first.ask("fence 5") == "done"
    assert read(tmp_path)[0].fence == 5


@pytest.mark.parametrize("operation", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free space on that disk"),
        (errno.EDQUOT, "free space on that disk"),
        (errno.EROFS, "make the workspace writable"),
        (errno.EIO, "file system that can lock and replace"),
    ],
    ids=["disk full", "quota", "read-only", "broken"],
)
def test_each_step_of_a_write_that_fails_leaves_the_file_and_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, number: int, remedy: str
) -> None:
    lease = acquire(tmp_path, SCOPE, run_id="r1", owner="test")
    before = (tmp_path / ".token").read_bytes()

    def fail(*args: object, **_: object) -> int:
        raise OSError(number, os.strerror(number))

    class Full:
        """A file whose disk takes nothing."""

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing was opened."""

        write = fail

    def fdopen(descriptor: int, *_: object) -> Full:
        os.close(descriptor)
        return Full()

    with monkeypatch.context() as broken:
        if operation == "replace":
            broken.setattr("pathlib.Path.replace", fail)
        elif operation == "write":
            broken.setattr(token_file.os, "fdopen", fdopen)
        elif operation == "open":
            opened = os.open
            broken.setattr(
                token_file.os,
                "open",
                lambda path, *rest, **more: (
                    fail() if str(path).endswith(".tmp") else opened(path, *rest, **more)
                ),
            )
        else:
            broken.setattr(token_file.os, operation, fail)
        with pytest.raises(TokenFileError, match=remedy) as caught:
            lease.heartbeat()
    assert ".token" in str(caught.value)
    assert (tmp_path / ".token").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".token", ".token.lock"]
    lease.heartbeat()
    assert read(tmp_path)[0].expires_at > datetime.now(UTC) + timedelta(seconds=30)
