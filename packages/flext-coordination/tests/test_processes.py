"""Leases among real processes: at once, killed, stopped, on other hosts, on broken disks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import psutil
import pytest

from flext_coordination import LeaseHeldError, acquire, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCOPE = "dev:a-to-b"
NOBODY_UID = 65_534


# Commands come on stdin, one answer line each goes to stdout.
HOLDER = """
import sys
from pathlib import Path
from flext_coordination import CoordinationError, acquire
workspace, scope, run_id = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def say(text): print(text, flush=True)
lease = None
for command in sys.stdin:
    try:
        if command == "acquire\\n":
            lease = acquire(workspace, scope, run_id=run_id, owner="holder")
        elif command == "heartbeat\\n":
            lease.heartbeat()
        elif command == "release\\n":
            lease.release("completed")
        say("done")
    except CoordinationError as error:
        say(f"{type(error).__name__}: {error}")
"""


class Holder(subprocess.Popen[str]):
    """A process that takes commands."""

    def tell(self, command: str) -> None:
        assert self.stdin is not None
        self.stdin.write(command + "\n")
        self.stdin.flush()

    def hear(self) -> str:
        assert self.stdout is not None
        return self.stdout.readline().rstrip("\n")

    def ask(self, command: str) -> str:
        self.tell(command)
        return self.hear()


class Start(Protocol):
    def __call__(self, run_id: str, *, scope: str = SCOPE, host: str = "") -> Holder: ...


@pytest.fixture
def start_holder(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(run_id: str, *, scope: str = SCOPE, host: str = "") -> Holder:
            command = [sys.executable, "-c", HOLDER, str(tmp_path), scope, run_id]
            environ = os.environ | {"FLEXT_HOST": host}
            pipe = subprocess.PIPE
            holder = Holder(command, stdin=pipe, stdout=pipe, text=True, env=environ)
            stack.callback(end, holder)
            return holder

        yield start


def end(holder: Holder) -> None:
    holder.kill()
    holder.communicate(timeout=30)


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def test_of_many_at_once_exactly_one_gets_the_scope(tmp_path: Path, start_holder: Start) -> None:
    holders = [start_holder(f"r{number}") for number in range(6)]
    for holder in holders:
        holder.tell("acquire")
    answers = [holder.hear() for holder in holders]
    assert sorted(answer.partition(":")[0] for answer in answers) == ["LeaseHeldError"] * 5 + [
        "done"
    ]
    winner = answers.index("done")
    (record,) = read(tmp_path)
    assert (record.run_id, record.pid) == (f"r{winner}", holders[winner].pid)
    for answer in answers[:winner] + answers[winner + 1 :]:
        assert f"run r{winner}, process {record.pid}" in answer


def test_many_scopes_at_once_lose_no_block(tmp_path: Path, start_holder: Start) -> None:
    holders = [start_holder(f"r{number}", scope=f"s{number}") for number in range(5)]
    for _ in range(4):
        for command in ("acquire", "heartbeat", "release"):
            for holder in holders:
                holder.tell(command)
            assert [holder.hear() for holder in holders] == ["done"] * 5
    assert [(r.scope, r.state) for r in read(tmp_path)] == [(f"s{n}", "released") for n in range(5)]


def wait_for_zombie(pid: int) -> None:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_killed_holder_is_taken_over_at_once(tmp_path: Path, start_holder: Start) -> None:
    holder = start_holder("r1")
    assert holder.ask("acquire") == "done"
    with pytest.raises(LeaseHeldError, match=f"process {holder.pid}"):
        acquire(tmp_path, SCOPE, run_id="r2", owner="test")
    os.kill(holder.pid, signal.SIGKILL)
    # Not waited for: it is a zombie, as under a parent that does not look.
    wait_for_zombie(holder.pid)
    acquire(tmp_path, SCOPE, run_id="r2", owner="test").release("completed")
    (record,) = read(tmp_path)
    assert f"taken over (process {holder.pid} of run r1 is gone)" in record.events[-2].text


def test_a_reaped_holder_is_taken_over_at_once(tmp_path: Path, start_holder: Start) -> None:
    holder = start_holder("r1")
    assert holder.ask("acquire") == "done"
    holder.kill()
    holder.wait()
    acquire(tmp_path, SCOPE, run_id="r2", owner="test")
    assert read(tmp_path)[0].run_id == "r2"


def test_a_stopped_holder_keeps_its_lease_until_it_expires_and_then_learns_of_it(
    tmp_path: Path, start_holder: Start
) -> None:
    holder = start_holder("r1")
    assert holder.ask("acquire") == "done"
    os.kill(holder.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
    with pytest.raises(LeaseHeldError):
        acquire(tmp_path, SCOPE, run_id="r2", owner="test")
    acquire(tmp_path, SCOPE, run_id="r2", owner="test", clock=later)
    os.kill(holder.pid, signal.SIGCONT)
    assert holder.ask("heartbeat").startswith("LeaseLostError: ")
    assert "run r2" in holder.ask("release")
    assert read(tmp_path)[0].run_id == "r2"
    assert read(tmp_path)[0].state == "held"


def test_a_holder_on_another_host_is_only_taken_over_when_expired(
    tmp_path: Path, start_holder: Start
) -> None:
    holder = start_holder("r1", host="wms-node-1")
    assert holder.ask("acquire") == "done"
    holder.kill()
    holder.wait()
    with pytest.raises(LeaseHeldError, match="on wms-node-1"):
        acquire(tmp_path, SCOPE, run_id="r2", owner="test", host="wms-node-2")
    acquire(tmp_path, SCOPE, run_id="r2", owner="test", host="wms-node-2", clock=later)
    assert read(tmp_path)[0].host == "wms-node-2"


def attempt(workspace: Path, before: str) -> subprocess.CompletedProcess[str]:
    """Acquire in a process of its own, after some preparation there."""
    source = f"""
import os, resource, signal, sys
from pathlib import Path
from flext_coordination import CoordinationError, acquire
{before}
try:
    acquire(Path(sys.argv[1]), "s", run_id="r1", owner="test")
except CoordinationError as error:
    sys.exit(str(error))
"""
    command = [sys.executable, "-c", source, str(workspace)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def assert_refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    for part in parts:
        assert part in done.stderr


def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir(mode=0o555)
    # Root may write anywhere, so the process becomes nobody where the tests run as root.
    # Once elsewhere before, since nobody may not read the modules that are imported late.
    spare = tmp_path / "spare"
    spare.mkdir()
    drop = f"if os.geteuid() == 0: os.setuid({NOBODY_UID})"
    done = attempt(folder, f"acquire(Path({str(spare)!r}), 's', run_id='r', owner='o')\n{drop}")
    assert_refused(done, ".token.lock: permission denied", "FLEXT_WORKSPACE")
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    done = attempt(tmp_path / "gone", "")
    assert_refused(done, "gone", "must be an existing folder")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    acquire(tmp_path, "other", run_id="r0", owner="test").release("completed")
    before = (tmp_path / ".token").read_bytes()
    # A limit on the size of files: the write fails half-way, as it does on a full disk.
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    done = attempt(tmp_path, limit)
    assert_refused(done, ".token: file too large", "free space", "the file is as it was")
    assert (tmp_path / ".token").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".token", ".token.lock"]


def test_what_a_process_left_that_died_while_writing_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".token.tmp").write_text("half a bl", encoding="utf-8")
    acquire(tmp_path, SCOPE, run_id="r1", owner="test")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".token", ".token.lock"]


def test_a_lock_that_is_never_given_back_ends_in_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flext_coordination import TokenFileError, token_file

    source = """
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", source, str(tmp_path / ".token.lock")]
    monkeypatch.setattr(token_file, "LOCK_TIMEOUT_S", 0.2)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "locked\n"
        with pytest.raises(TokenFileError, match="another process has kept it locked"):
            acquire(tmp_path, SCOPE, run_id="r1", owner="test")
        locker.communicate()
    acquire(tmp_path, SCOPE, run_id="r1", owner="test")
    assert read(tmp_path)[0].run_id == "r1"
