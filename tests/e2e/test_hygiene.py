"""Whatever ends the demo, nothing is left running five seconds later."""

import os
import shutil
import signal
import subprocess

import psutil
import pytest

from flext_cli import clock

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hygiene"), pytest.mark.timeout(180)]

LIMIT_S = 5.0


@pytest.fixture
def demo(flext, lean_workspace, few_variables):
    """Start a demo under make, and wait until its full job is at work."""
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    tmp_path = lean_workspace
    (tmp_path / "Makefile").write_text(f"demo:\n\t@exec {flext} demo --rows 3000\n")
    log = (tmp_path / "out").open("wb")
    process = subprocess.Popen(
        ["make", "demo"],
        cwd=tmp_path,
        env=few_variables,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    yield process, tmp_path
    for each in family(tmp_path):
        each.kill()
    process.wait()
    log.close()


def family(folder):
    """Every process of the demo in this folder, by command line, folder or environment.

    Not make itself, our child: psutil would take its exit code away from us.
    """
    mine = []
    for process in psutil.process_iter():
        try:
            if process.ppid() == os.getpid():
                continue
            places = [*process.cmdline(), process.cwd(), *process.environ().values()]
        except psutil.Error:
            continue
        if any(str(folder) in place for place in places):
            mine.append(process)
    return mine


def named(processes, word):
    found = []
    for process in processes:
        try:
            if any(word in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def top(processes):
    """Those whose parent is not among them."""
    pids = {each.pid for each in processes}
    return [each for each in processes if each.ppid() not in pids]


def at_work(process, folder):
    """Wait until tap and target run; answers all processes of the demo."""
    while True:
        assert process.poll() is None, (folder / "out").read_text()
        # While nobody has lost a parent this finds all, and costs far less than the family does.
        below = psutil.Process(process.pid).children(recursive=True)
        if named(below, "flext-tap-oracle-wms") and named(below, "flext-target-oracle"):
            mine = family(folder)
            (emulator,) = top(named(mine, "bin/oracle-emulator"))
            # PostgreSQL may run as another user elsewhere: what is below the emulator counts too.
            below = emulator.children(recursive=True)
            assert [each for each in below if "postgres" in each.name()]
            return list({each.pid: each for each in [*mine, *below]}.values())
        clock.pause(0.4)  # a look at all processes takes a core from the demo


def left_after(processes, folder):
    """What is still there after the limit, zombies aside (their parent may not have looked yet)."""
    psutil.wait_procs(processes, timeout=LIMIT_S)
    everything = {each.pid: each for each in [*processes, *family(folder)]}
    return [
        each.as_dict(["pid", "cmdline"])
        for each in everything.values()
        if each.is_running() and each.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_to_make_alone(demo, number):
    process, folder = demo
    mine = at_work(process, folder)
    process.send_signal(number)
    assert left_after(mine, folder) == []
    assert process.wait(timeout=5) != 0


def test_control_c_reaches_the_whole_group(demo):
    process, folder = demo
    mine = at_work(process, folder)
    os.killpg(process.pid, signal.SIGINT)
    assert left_after(mine, folder) == []
    assert "Traceback" not in (folder / "out").read_text()


def test_kill_9_of_the_demo(demo):
    process, folder = demo
    mine = at_work(process, folder)
    (flext,) = [each for each in named(mine, "/flext") if "demo" in each.cmdline()]
    flext.kill()
    assert left_after(mine, folder) == []


def test_kill_9_of_oracle_emulator_ends_the_demo_with_a_message(demo):
    process, folder = demo
    mine = at_work(process, folder)
    (emulator,) = top(named(mine, "bin/oracle-emulator"))
    emulator.kill()
    assert left_after(mine, folder) == []
    assert process.wait(timeout=5) != 0
    output = (folder / "out").read_text()
    assert "oracle-emulator ended by itself (signal 9)" in output
    assert "Traceback" not in output.split("flext:")[-1]
