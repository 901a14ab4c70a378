"""No secret in any output of any command, whatever fails; and the witness of that can see."""

import base64
import functools
import itertools
import os
import shlex
import signal
import subprocess
import sys

import click
import pytest

from flext_cli import __main__ as entry
from flext_cli import meltano
from flext_cli.commands import flext as group
from flext_observability.testing import clean_process

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("secrets"), pytest.mark.timeout(300)]

TAP, TARGET = "FLEXT_TAP_ORACLE_WMS_", "FLEXT_TARGET_ORACLE_"
WRONG_PASSWORD = "wrong-Pa55/word+of=mine"
#: Commands that end only when they are told to, or have a rig of their own.
ELSEWHERE = {
    "demo": "test_demo.py and test_hygiene.py run it under the same witness",
    "emulate wms": "serves until it is ended; the rigs' emulators are the same programs",
    "emulate oracle": "as above",
}
FAULTS = {
    "wrong passwords": {f"{TAP}PASSWORD": WRONG_PASSWORD, f"{TARGET}PASSWORD": WRONG_PASSWORD},
    "nobody listens": {
        f"{TAP}BASE_URL": "https://localhost:1/emu/wms/lgfapi/v10/", f"{TARGET}PORT": "1",
    },
    "untrusted certificates": {f"{TAP}CA_FILE": None, f"{TARGET}WALLET_LOCATION": None},
    "a password where none belongs": {
        f"{TAP}PAGE_SIZE": WRONG_PASSWORD, f"{TARGET}PORT": WRONG_PASSWORD,
    },
    "none": {},
}  # fmt: skip
NEED_ENDS = {"backfill", "doctor", "plan", "refresh", "run", "verify"}
#: The one that every `make test` sees: both ends are reached, with secrets, and refuse.
QUICK = "wrong passwords"


def examples(command=group, path=()):
    """Yield the name of every command with the arguments of its example."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from examples(command.get_command(context, name), (*path, name))
        return
    name = " ".join(path)
    if name not in ELSEWHERE:
        words = shlex.split(command.epilog.removeprefix("Example: flext "))
        # Up to where a shell would take over.
        words = list(itertools.takewhile(lambda word: word not in {"|", ">"}, words))
        yield name, [*words, *(["--times", "1"] if "--every" in words else [])]


@pytest.fixture(scope="module")
def remembered():
    """Ask Meltano for its states once: half of the commands do, and nothing here changes them."""
    ask = meltano.export_states
    asked = functools.cache(lambda root, environ: ask(root, dict(environ)))
    return lambda root, environ: asked(root, tuple(sorted(environ.items())))


@pytest.fixture
def run_here(monkeypatch, shared_rig, capfd, witness, remembered):
    """Run `flext` in this process, which saves a second of imports each time."""
    rig = shared_rig
    monkeypatch.chdir(rig.place.root)
    monkeypatch.setattr(meltano, "export_states", remembered)
    for name in set(os.environ) - set(rig.environ):
        monkeypatch.delenv(name)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(words):
        monkeypatch.setattr(sys, "argv", ["flext", *words])
        with clean_process(), pytest.raises(SystemExit) as end:
            entry.main()
        said = "".join(capfd.readouterr())
        witness.saw(f"output of flext {shlex.join(words)}", said)
        return end.value.code, said

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", dict(examples()))
@pytest.mark.parametrize(
    "fault",
    [pytest.param(name, marks=[] if name == QUICK else pytest.mark.long) for name in FAULTS],
)
def test_no_command_shows_a_secret(shared_rig, run_here, witness, fault, name):
    shared_rig.settings(**FAULTS[fault])
    code, said = run_here(dict(examples())[name])
    assert "Traceback" not in said
    assert code or said
    if fault != "none" and name in NEED_ENDS:
        # The ends were needed, and refused: else nothing was put to the test.
        assert code, said
    if name == "run":
        # Meltano told whom it started, so the tap's arguments were seen.
        assert any("flext-tap-oracle-wms" in line for line in witness.started())


def test_every_exception_of_the_table_is_still_a_command():
    known = {" ".join(path) for path in paths(group)}
    assert set(ELSEWHERE) - known == set()


def paths(command, path=()):
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from paths(command.get_command(context, name), (*path, name))


SECRET = "s3cr3t/of+the=witness"
NESTED = "import subprocess, sys; subprocess.run(['true', sys.stdin.read()], check=True)"


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (["echo", SECRET], ""),
        ([sys.executable, "-c", "import sys; print(sys.stdin.read())"], SECRET),
        ([sys.executable, "-c", "import sys; sys.stderr.write(sys.stdin.read())"],
         base64.b64encode(f"x:{SECRET}".encode()).decode()),
        ([sys.executable, "-c", NESTED], SECRET),
    ],
    ids=["arguments", "stdout", "stderr as basic authentication", "arguments of a grandchild"],
)  # fmt: skip
def test_the_witness_sees_a_secret(witness, command, given):
    witness.plant(SECRET)
    subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    found = witness.found()
    witness.log.unlink(missing_ok=True)  # what was put there on purpose
    assert found
    assert SECRET not in str(found)


def test_the_witness_sees_a_file_and_not_the_users_own(witness, tmp_path):
    witness.plant(SECRET)
    (tmp_path / ".env").write_text(SECRET)
    witness.read(tmp_path)
    assert witness.found() == []
    (tmp_path / "runs.db").write_bytes(b"\0" + SECRET.encode())
    witness.read(tmp_path)
    (found,) = witness.found()
    assert found.endswith("<secret> in file runs.db")
