"""Every command of README and documentation exists as it is written, and is run where it can be.

A command's words go through the parser of the program it names; what looks around (`flext doctor`,
`status`, `verify` …) is run in the newcomer's workspace, once with each of its options. What is not
run is in NOT_RUN with why.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

from flext_tap_oracle_wms import settings as tap_settings
from flext_target_oracle import settings as target_settings

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("docs"), pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
MELTANO_YML = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
SEPARATORS = {"|", "||", "&&", ";", "&"}
#: Programs that are not ours: their lines are read by a shell (`bash -n`), no more.
OUTSIDE = {
    "cat": "the shell's", "cd": "the shell's", "chmod": "the shell's", "cp": "the shell's",
    "export": "the shell's", "git": "the reader's own copy", "kill": "the shell's",
    "mkdir": "the shell's", "crontab": "would change the reader's table",
    "openssl": "needs the reader's wallet or server", "systemctl": "needs systemd and root",
    "some-tap": "stands for any tap",
}  # fmt: skip
#: Commands of ours that are parsed but not run here, and why.
NOT_RUN = (
    (r"flext demo\b", "tests/e2e/test_demo.py runs it"),
    (r"flext emulate\b", "stays in the foreground; its options are parsed"),
    (r"flext run\b", "8 s of Meltano each: tests/e2e run jobs by it"),
    (r"flext hand-over\b", "full-sync-job runs it"),
    (r"flext state copy\b", "packages/flext-cli/tests runs it; it replaces a state"),
    (r"flext token release\b", "packages/flext-cli/tests runs it; nothing is held here"),
    (r"flext (refresh|backfill|rejects replay)\b", "loads through Meltano; its own tests run it"),
    (r"flext verify .*--repair\b", "loads through Meltano; its own tests run it"),
    (r"flext verify item\b", "the line before it loads the item table, through Meltano"),
    (r"flext schedule\b.*--install", "changes the machine"),
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """One simple command: its variables and its words, without redirections."""

    variables: tuple[tuple[str, str], ...]
    words: tuple[str, ...]

    @property
    def program(self):
        return self.words[0].removeprefix(".venv/bin/").rpartition("/")[2] if self.words else ""

    def __str__(self):
        return " ".join([self.program, *self.words[1:]])


def commands_of(line: str) -> Iterator[Command]:
    """The simple commands of a line of shell."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split, reader.commenters = True, "#"
    words: list[str] = []
    tokens = iter(reader)
    for token in tokens:
        if token in SEPARATORS:
            yield _command(words)
            words = []
        elif token in {">", ">>", "<", ">&"}:
            next(tokens)
            if token == ">&" and words[-1:] and words[-1].isdigit():  # 2>&1
                words.pop()
        else:
            words.append(token)
    if words:
        yield _command(words)


def _command(words):
    variables = []
    while words and (found := re.fullmatch(r"([A-Z_]+)=(.*)", words[0], re.DOTALL)):
        variables.append((found[1], found[2]))
        words = words[1:]
    return Command(tuple(variables), tuple(words))


def lines_of(text: str) -> list[str]:
    """The lines of shell in a block: those behind `$ ` if there are any, else all."""
    lines = text.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in prompted or lines if line.partition("#")[0].strip()]


# --- what a command may be


def problem(command: Command) -> str | None:
    """What is wrong with a command, by the parser of its program."""
    for name, _ in command.variables:
        if not is_known_variable(name):
            return f"no variable {name}"
    if command.program in OUTSIDE:
        names = [word.partition("=")[0] for word in command.words[1:]]
        unknown = [n for n in names if command.program == "export" and not is_known_variable(n)]
        return f"no variable {unknown[0]}" if unknown else None
    checks = {
        "make": make_problem, "flext": flext_problem, "meltano": meltano_problem,
        "curl": lambda _: None, "pytest": files_problem, "python": files_problem,
        "flext-tap-oracle-wms": singer_problem, "flext-target-oracle": singer_problem,
        "wms-emulator": emulator_problem, "oracle-emulator": emulator_problem,
    }  # fmt: skip
    check = checks.get(command.program)
    return check(command) if check else f"nothing is known of the program {command.program!r}"


@cache
def sources() -> str:
    """All code that reads the environment."""
    paths = [*ROOT.glob("packages/*/src/**/*.py"), *ROOT.glob("packages/*/tests/fix_*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def is_known_variable(name: str) -> bool:
    """Whether something reads this variable of the environment."""
    for settings, properties in (
        (tap_settings, tap_settings.json_schema()["properties"]),
        (target_settings, target_settings.singer_schema()["properties"]),
    ):
        if name.startswith(settings.ENV_PREFIX):
            return name.removeprefix(settings.ENV_PREFIX).lower() in properties
    return f'"{name}"' in sources() or name == "MELTANO_ENVIRONMENT"


def make_problem(command):
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in command.words[1:]:
        name, is_variable, _ = word.partition("=")
        pattern = rf"(?m)^{re.escape(name)} \?=" if is_variable else rf"(?m)^{re.escape(name)}:"
        if not re.search(pattern, text):
            return f"the Makefile has no {name}"
    return None


def click_problem(group, words, name):
    """Parse as click does, down to the last command."""
    parent = None
    try:
        while True:
            # Meltano's commands look here for the project they are in; there is none.
            context = group.make_context(name, list(words), parent=parent, obj={"project": None})
            if not isinstance(group, click.Group):
                return None
            rest = [*context._protected_args, *context.args]
            name, group, words = group.resolve_command(context, rest)
            parent = context
    except click.ClickException as error:
        return error.format_message()
    except click.exceptions.Exit:
        return None  # --help, --version
    except click.Abort:
        return "Missing argument: it would ask for one"


def flext_problem(command):
    from flext_cli.commands import flext

    words = command.words[1:]
    if words[:1] == ("emulate",) and words[1:]:
        return emulator_problem(Command((), (f"{words[1]}-emulator", "serve", *words[2:])))
    what = click_problem(flext, words, "flext") or names_problem(words)
    return None if what and is_known_gap(what) else what


def is_known_gap(what):
    """Whether docs/known-gaps.md says of a command that it is not there."""
    name = re.match(r"No such command '([\w-]+)'", what)
    gaps = (ROOT / "docs" / "known-gaps.md").read_text(encoding="utf-8")
    said = rf"`(flext )?{name[1]}`[^.;]*\b(is|are) not" if name else None
    return bool(said and re.search(said, gaps))


def meltano_problem(command):
    from meltano.cli import cli

    words = command.words[1:]
    known = {each["name"] for group in MELTANO_YML["plugins"].values() for each in group}
    known |= {each["name"] for each in MELTANO_YML["jobs"]}
    named = [word for word in words if re.fullmatch(r"(tap|target)-.*|.*-job", word)]
    unknown = [name for name in named if name not in known]
    if unknown:
        return f"meltano.yml has no {unknown[0]}"
    if "invoke" in words:  # what follows is the plugin's own
        end = words.index("invoke") + 2
        inner = Command((), ("flext-tap-oracle-wms", *words[end:]))
        return click_problem(cli, words[:end], "meltano") or singer_problem(inner)
    return click_problem(cli, words, "meltano")


def names_problem(words):
    """Jobs must be jobs; JOB stands for one."""
    jobs = {each["name"] for each in MELTANO_YML["jobs"]}
    wrong = [word for word in words if word.endswith("-job") and word not in jobs]
    return f"meltano.yml has no job {wrong[0]}" if wrong else None


def singer_problem(command):
    """Options of tap and target by name: their parser acts while it parses."""
    from flext_tap_oracle_wms.tap import FlextTapOracleWms
    from flext_target_oracle.target import TargetOracle

    is_tap = command.program == "flext-tap-oracle-wms"
    known = {o for p in (FlextTapOracleWms if is_tap else TargetOracle).cli.params for o in p.opts}
    return options_problem(command.words, known)


def options_problem(words, known):
    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    unknown = [option for option in given if option not in known]
    return f"no option {unknown[0]}" if unknown else None


def emulator_problem(command):
    module = importlib.import_module(f"{command.program.replace('-', '_')}.__main__")
    try:
        module._parser().parse_args(command.words[1:])
    except SystemExit as stop:
        return None if stop.code == 0 else f"{command.program} does not take {command.words[1:]}"
    except argparse.ArgumentError as error:
        return str(error)
    return None


def files_problem(command):
    """Paths among the words must be there."""
    paths = [word for word in command.words[1:] if "/" in word]
    missing = [path for path in paths if not (ROOT / path).exists()]
    return f"there is no {missing[0]}" if missing else None


# --- the tests


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the files that examples name, so that their options parse."""
    for name in ("catalog.json", "state.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.mark.usefixtures("here")
def test_the_commands_in_the_text_of_a_page_exist(page, page_texts):
    text = re.sub(r"```.*?```", "", page_texts[page], flags=re.DOTALL)
    wrong = []
    for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text):
        words = span.removeprefix(".venv/bin/").split()
        program = words[0] if words else ""
        is_ours = program in {"flext", "make", "meltano"} or program.endswith("-emulator")
        if not is_ours or len(words) < 2 or re.search(r"[\[…]|\.\.\.", span):
            continue
        for command in commands_of(span):
            what = problem(command)
            # A text may name a command or an option without its arguments.
            if what and re.match("Missing argument|Usage:|.* requires an argument", what):
                continue
            # A word in capitals stands for a value.
            stands_in = any(re.fullmatch("[A-Z][A-Z_]*", word) for word in command.words)
            if what and not (stands_in and what.startswith("Invalid value")):
                wrong.append(f"`{span}`: {what}")
    assert wrong == []


@pytest.mark.usefixtures("here")
def test_the_commands_of_a_block_exist(shell_block):
    reader = subprocess.run(
        ["bash", "-n"], input="\n".join(lines_of(shell_block.text)), text=True, check=False
    )
    assert reader.returncode == 0
    commands = [c for line in lines_of(shell_block.text) for c in commands_of(line)]
    assert commands
    assert [f"{c}: {what}" for c in commands if (what := problem(c))] == []


def looks_around(command: Command) -> bool:
    """Whether a command is run here."""
    if command.program != "flext" or command.variables:
        return False
    return not any(re.match(pattern, str(command)) for pattern, _ in NOT_RUN)


def test_the_commands_of_a_block_that_look_around_work(shell_block, five_steps):
    newcomer = five_steps[0]
    for line in lines_of(shell_block.text):
        for command in commands_of(line):
            if not looks_around(command):
                continue
            words = command.words[1:]
            if newcomer.has_looked(words):
                continue
            code, said = newcomer.looks(words)
            assert code == 0, f"{command}\n{said}"
            if "--json" in words:
                assert json.loads(said.splitlines()[0])


def test_what_a_block_asks_an_emulator_is_answered(shell_block, with_real_addresses, tmp_path):
    for line in lines_of(with_real_addresses(shell_block)):
        if line.startswith("curl "):
            done = subprocess.run(
                ["bash", "-euc", line.replace("curl ", "curl -sSf ", 1)],
                cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("flext doctor --jsno", "--jsno"),
        ("flext dcotor", "dcotor"),
        ("flext run incremental-snyc-job", "incremental-snyc-job"),
        ("flext emulate wms --rwos 3", "does not take"),
        ("make tset", "tset"),
        ("make demo KEPE=1", "KEPE"),
        ("meltano run tap-oracle-wms-ful target-oracle-full", "tap-oracle-wms-ful"),
        ("meltano invoke tap-oracle-wms-full --dicsover", "--dicsover"),
        ("meltano --enviroment=prod run full-sync-job", "--enviroment"),
        ("flext-target-oracle --confg=ENV", "--confg"),
        ("FLEXT_TARGET_ORACLE_SHCEMA=X flext doctor", "SHCEMA"),
        ("export FLEXT_TEST_ORACEL_DSN=x", "ORACEL"),
        (".venv/bin/pytest -q packages/nowhere/tests", "nowhere"),
        ("flxet doctor", "flxet"),
    ],
)
def test_a_command_that_is_wrong_is_found(typed, words, capsys):
    (command,) = commands_of(typed)
    assert words in (problem(command) or "")
