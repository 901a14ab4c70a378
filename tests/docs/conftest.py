"""What the tests of the documentation share: the pages' blocks, and a newcomer's workspace.

The workspace is a copy of the repository as a clone would be, beside two emulators that play the
real ends. The README's steps are done in it once; the other examples are run in what they left.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from flext_cli import oracle, wms
from flext_cli.commands import flext
from flext_cli.demo import ends, folder
from flext_cli.demo.processes import Household

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^( *)```([\w-]*)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
ROWS = 60
#: Commands of `flext` that are groups of others.
GROUPS = {name for name in flext.list_commands(click.Context(flext))
          if isinstance(flext.get_command(click.Context(flext), name), click.Group)}  # fmt: skip
TABLES = ("allocation", "order_hdr", "order_dtl")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def tracked(*patterns):
    """The repository's files, as a clone would have them."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.split("\0") if name and (ROOT / name).is_file()]


PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in tracked("*.md")}


def blocks_of(page):
    """The fenced blocks of a page, in order."""
    text = PAGES[page]
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[2], textwrap.dedent(found[3]))
        for found in _FENCE.finditer(text)
    ]


def shell_of(block):
    """What of a block a shell would read: all of it, or the commands in a crontab or a unit."""
    text = ""
    if block.language in {"console", "bash"}:
        text = block.text
    elif block.language == "cron":
        text = re.sub(r"(?m)^(?:\S+ ){5}", "", block.text)
    elif block.language == "ini":
        text = "\n".join(re.findall(r"(?m)^ExecStart=(.*)$", block.text))
    return replace(block, text=text)


def pytest_generate_tests(metafunc):
    """One test per block, or per page."""
    blocks = [block for page in PAGES for block in blocks_of(page)]
    if "block" in metafunc.fixturenames:
        metafunc.parametrize("block", blocks, ids=str)
    elif "shell_block" in metafunc.fixturenames:
        shell = [each for block in blocks if (each := shell_of(block)).text]
        metafunc.parametrize("shell_block", shell, ids=str)
    elif "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES)


@pytest.fixture(scope="session")
def page_texts():
    """The text of every page, by its path."""
    return PAGES


@pytest.fixture(scope="session")
def make_block():
    """A block that stands in no page."""
    return lambda language, text: Block("nowhere.md", 1, language, text)


@pytest.fixture(scope="session")
def standalone(tmp_path_factory):
    """Start an emulator by its own command, once; answers its ready line."""
    place = tmp_path_factory.mktemp("standalone")
    environ = folder.environment(os.environ)
    started = {}
    with Household() as household:

        def start(product):
            if product not in started:
                argv = [
                    str(ROOT / ".venv/bin" / product),
                    "serve",
                    "--parent-pid",
                    str(os.getpid()),
                ]
                child = household.start(product, argv, environ, place / f"{product}.log")
                started[product] = household.await_ready([child])[product]
            return started[product]

        yield start


@pytest.fixture
def with_real_addresses(standalone):
    """A block's text with the addresses of its page's ready line made those of a real emulator."""

    def put_in(block):
        text = block.text
        line = re.search(r'(?s)\{"ready": true.*?\}', PAGES[block.page])
        if line and '"product"' in line[0]:
            written = json.loads(line[0])
            real = standalone(written["product"])
            for key in ("ca_file", "wallet_location", "port", "tcps_port", "admin_port"):
                if key in written:
                    text = text.replace(str(written[key]), str(real[key]))
        return text

    return put_in


@dataclass
class Newcomer:
    """Somebody with a fresh clone, a WMS and an Oracle, and what was typed so far."""

    root: Path
    ends: ends.Ends
    environ: dict
    done: dict = field(default_factory=dict)
    looked: set = field(default_factory=set)

    def types(self, command, **environ):
        """Type a command in the workspace; what it said is kept."""
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        self.done[command.strip()] = done
        program, *words = command.split()
        if program == ".venv/bin/flext":
            self.looked |= self._parts(words)
        return done

    def has_looked(self, words):
        """Whether the command was run with each of these options; arguments and values aside."""
        return self._parts(words) <= self.looked

    @staticmethod
    def _parts(words):
        name = " ".join(words[: 1 + (words[0] in GROUPS)])
        return {name, *(f"{name} {word}" for word in words if word.startswith("-"))}

    def looks(self, words):
        """`flext` with these words, in this process; answers exit code and what it said."""
        self.looked |= self._parts(words)
        settings = {
            "FLEXT_ALERT_COMMAND": "cat",
            "FLEXT_METRICS_FILE": str(self.root / "flext.prom"),
        }
        gone = {name: None for name in os.environ if name not in self.environ}
        with contextlib.chdir(self.root):
            environ = {**gone, **self.environ, **settings}
            result = CliRunner().invoke(flext, list(words), env=environ)
        trouble = f"\n{result.exception!r}" if result.exception else ""
        return result.exit_code, result.stdout + trouble

    def sql(self, text, end=None):
        """Run the statements of a script as a DBA, or as another user; answers the last rows."""
        rows = []
        with oracle.connected(end or self.ends.system) as connection:
            for statement in filter(None, map(str.strip, text.split(";\n"))):
                with connection.cursor() as cursor:
                    cursor.execute(statement.rstrip(";"))
                    rows = cursor.fetchall() if cursor.description else []
        return rows

    def fills_in(self, settings):
        """Edit `.env` as a person does: the line of each setting, commented out or not."""
        path = self.root / ".env"
        text = path.read_text(encoding="utf-8")
        for name, value in settings.items():
            text, count = re.subn(rf"(?m)^(# )?{name}=.*$", f"{name}='{value}'", text)
            assert count == 1, f".env.example has {count} lines for {name}"
        path.write_text(text, encoding="utf-8")

    def change(self):
        """Time passes in the warehouse: new rows and changed ones."""
        ends.change(self.ends, rows=ROWS)

    def rows_in_the_wms(self, entity):
        """How many rows there are, by the emulator's journal."""
        return len(wms.journal(self.ends.wms, entity))


@pytest.fixture(scope="session")
def newcomer(tmp_path_factory):
    """A fresh clone beside two ends that are treated as the real ones."""
    root = tmp_path_factory.mktemp("newcomer") / "flext"
    for name in tracked():
        copy = root / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        copy.chmod((ROOT / name).stat().st_mode & 0o777)
        os.utime(copy, (0, 0))  # older than what is installed: `make setup` has nothing to do
    (root / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
    place = folder.Folder(tmp_path_factory.mktemp("ends"))
    environ = folder.environment(os.environ)
    environ.pop("VIRTUAL_ENV", None)
    with Household() as household:
        both = ends.start(household, place, environ, rows=ROWS, keep=False)
        yield Newcomer(root, both, environ)


def steps(text):
    """The numbered steps of the section: the commands and scripts of each, in order."""
    section = text.partition("## Your own WMS and Oracle, in five steps")[2].partition("\n## ")[0]
    for step in re.split(r"(?m)^\d\. ", section)[1:]:
        found = re.finditer(r"```(\w+)\n(.*?)```|`([^`\n]+)`", step, re.DOTALL)
        yield [
            (match[1], match[2]) if match[1] else ("inline", match[3])
            for match in found
            if match[1] or is_command(match[3])
        ]


def is_command(span):
    words = span.split()
    programs = ("make", "cp", ".venv/bin/flext", ".venv/bin/meltano")
    return words[0] in programs and "JOB" not in words


def lines_of(script):
    for line in script.splitlines():
        command = line.partition(" #")[0].strip()
        if command:
            yield command


@pytest.fixture(scope="session")
def five_steps(newcomer):
    """The newcomer after the steps, and what happened at each command, in order."""
    install, prepare, fill, look, load = steps(PAGES["README.md"])
    assert install == [("inline", "make setup")]
    # Were there something to install, it would go into the environment that the tests run in.
    assert newcomer.types("make -q setup").returncode == 0, "run `make setup` first"
    said = [newcomer.types(command) for _, command in install]

    ((language, script),) = prepare
    assert language == "sql"
    newcomer.sql(script.replace("…", newcomer.ends.oracle.password))

    ((_, command),) = fill
    said.append(newcomer.types(command))
    settings = newcomer.ends.settings()
    del settings["FLEXT_TAP_ORACLE_WMS_ENTITIES"]  # the default will do
    newcomer.fills_in(settings)

    said += [newcomer.types(command) for _, command in look]
    counts = []
    for language, script in load:
        assert language == "console"
        for command in lines_of(script):
            said.append(newcomer.types(command))
            counts.append(loaded(newcomer))
            if "full" in command:
                newcomer.change()
    return newcomer, said, counts


def loaded(newcomer):
    """Rows in each table."""
    owner = newcomer.ends.oracle
    return [
        newcomer.sql(f'SELECT COUNT(*) FROM "OIC"."WMS_{t.upper()}"', owner)[0][0] for t in TABLES
    ]
