"""The command line as a person meets it: exit codes, one message, the remedy, never a traceback."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import flext_coordination
from flext_cli import __main__ as entry
from flext_cli.commands import flext as group

SCOPE = "dev:tap-oracle-wms-full-to-target-oracle-full"


@pytest.fixture
def flext(tmp_path):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLEXT_", "MELTANO_"))}

    def run(*arguments, **environ):
        return subprocess.run(
            [sys.executable, "-m", "flext_cli", *arguments],
            cwd=tmp_path,
            env={**kept, **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def held(tmp_path):
    lease = flext_coordination.acquire(tmp_path, SCOPE, run_id="run-1", owner="a test")
    yield lease
    lease.stop_heartbeat()


def test_every_command_has_help_with_an_example():
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command.help, name
        for each in getattr(command, "commands", {name: command}).values():
            assert each.help, each.name
            assert each.epilog.startswith(f"Example: flext {name}"), each.name


def test_a_command_that_is_not_there_is_a_usage_error(flext):
    done = flext("dmeo")
    assert done.returncode == 2
    assert "No such command" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["demo"], ["hand-over"]])
def test_outside_a_project_the_remedy_is_named(flext, command):
    done = flext(*command)
    assert done.returncode == 1
    assert "no meltano.yml" in done.stderr
    assert "what to do: run flext inside the FLEXT workspace" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_settings_that_is_not_text_is_named(flext, tmp_path):
    (tmp_path / "meltano.yml").write_text("default_environment: dev\nenvironments: [{name: dev}]")
    (tmp_path / ".env").write_bytes(b"FLEXT_X=\xff\n")
    done = flext("rejects", "list")
    assert done.returncode == 1
    assert ".env is not UTF-8" in done.stderr
    assert "bug" not in done.stderr


def test_a_full_disk_is_no_bug(monkeypatch, capsys):
    def full(**_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/report")

    monkeypatch.setattr(entry.flext, "main", full)
    with pytest.raises(SystemExit) as end:
        entry.main()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert "No space left" in said
    assert "/somewhere/report" in said
    assert "free space" in said


def test_an_unknown_environment_is_named(flext, tmp_path):
    (tmp_path / "meltano.yml").write_text("environments: [{name: dev}, {name: prod}]")
    done = flext("hand-over", "--environment", "moon")
    assert done.returncode == 1
    assert "'moon' is not declared" in done.stderr
    assert "use one of dev, prod" in done.stderr


@pytest.mark.usefixtures("held")
def test_a_held_scope_is_shown_and_can_be_released(flext, held):
    (lease,) = json.loads(flext("token", "status", "--json").stdout)["leases"]
    assert (lease["scope"], lease["state"], lease["run_id"]) == (SCOPE, "held", "run-1")
    done = flext("token", "release", SCOPE)
    assert done.returncode == 0, done.stderr
    assert "held by a test" in done.stdout
    with pytest.raises(flext_coordination.LeaseLostError):
        held.heartbeat()
    done = flext("token", "release", SCOPE)
    assert done.returncode == 1
    assert "no run holds the scope" in done.stderr


def test_an_unreadable_token_file_is_a_message(flext, tmp_path):
    (tmp_path / ".token").write_text("nonsense\n", encoding="utf-8")
    (tmp_path / ".token").chmod(0o600)
    done = flext("token", "status")
    assert done.returncode == 1
    assert ".token" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_ends_without_a_traceback_and_without_secrets(monkeypatch, capsys):
    def broken(**_):
        raise ZeroDivisionError("PASSWORD=hunter2hunter2")

    monkeypatch.setattr(entry.flext, "main", broken)
    with pytest.raises(SystemExit) as caught:
        entry.main()
    assert caught.value.code == 1
    shown = capsys.readouterr().err
    assert "unexpected ZeroDivisionError" in shown
    assert "hunter2" not in shown
    assert "Traceback" not in shown


def test_nothing_here_imports_tap_or_target():
    """The expected side must not share a mistake with the code it judges."""
    code = "import sys, flext_cli.expected, flext_cli.compare, flext_cli.demo.verdict;"
    code += "print([m for m in sys.modules if m.startswith(('flext_tap', 'flext_target'))])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path("/")
    )
    assert done.stdout == "[]\n"


@pytest.mark.usefixtures("held")
def test_the_history_of_a_scope_is_shown(flext):
    (event, *_) = json.loads(flext("token", "history", SCOPE, "--json").stdout)["events"]
    assert event["scope"] == SCOPE
    assert "run-1" in event["text"]
    done = flext("token", "history", "dev:other")
    assert done.returncode == 1
    assert "dev:other does not stand in" in done.stderr


@pytest.mark.parametrize("duration", ["60", "0s", "-1s", "soon"])
def test_a_duration_needs_its_unit(flext, duration):
    done = flext("run", "full-sync-job", "--every", duration)
    assert done.returncode == 2
    assert "write 60s, 5m or 1h" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["backfill", "item"], "Missing option '--from'"),
        (["backfill", "item", "--from", "soon"], "no ISO 8601 time and no expression"),
        (["backfill", "item", "--from", "2026-01-01"], "needs an offset from UTC"),
        (["backfill", "item", "--from", "today", "--to", "today-1d"], "swap them"),
        (["backfill", "Item", "--from", "today"], "no entity of the WMS"),
        (["refresh", "../item"], "no entity of the WMS"),
        (["verify", "--repair", "--sample", "9"], "leave --sample out"),
    ],
)
def test_a_wrong_use_of_what_reads_again_is_named(flext, arguments, said):
    done = flext(*arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [["backfill", "item", "--from", "today-1d"], ["refresh", "item"]]
)
def test_what_reads_again_names_the_project_that_is_not_there(flext, arguments):
    done = flext(*arguments)
    assert done.returncode == 1
    assert "what to do: run flext inside the FLEXT workspace" in done.stderr


@pytest.mark.usefixtures("held")
def test_the_workspace_that_env_names_is_looked_at(flext, tmp_path):
    """Runs take their leases there: who looks elsewhere finds every pipeline free."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "meltano.yml").write_text("version: 1\n", encoding="utf-8")
    (folder / ".env").write_text(f"FLEXT_WORKSPACE={tmp_path}\n", encoding="utf-8")
    place = {"MELTANO_PROJECT_ROOT": str(folder)}
    (lease,) = json.loads(flext("token", "status", "--json", **place).stdout)["leases"]
    assert lease["scope"] == SCOPE
    done = flext("state", "copy", "dev:other", SCOPE, **place)
    assert done.returncode == 1
    assert f"{SCOPE} is held by" in done.stderr


def test_a_run_of_the_workspace_that_env_names_is_not_begun_twice(flext, tmp_path):
    shared, folder = tmp_path / "shared", tmp_path / "project"
    folder.mkdir()
    (folder / "meltano.yml").write_text(
        "default_environment: dev\nenvironments: [{name: dev}, {name: prod}]\n"
        "plugins: {extractors: [{name: a}], loaders: [{name: b}]}\n"
        "jobs: [{name: load, tasks: [a b]}]\n",
        encoding="utf-8",
    )
    (folder / ".env").write_text(
        f"FLEXT_WORKSPACE={shared}\nMELTANO_ENVIRONMENT=prod\n", encoding="utf-8"
    )
    shared.mkdir()
    lease = flext_coordination.acquire(shared, "prod:a-to-b", run_id="run-1", owner="a test")
    try:
        done = flext("run", "load", "--json", MELTANO_PROJECT_ROOT=str(folder))
    finally:
        lease.stop_heartbeat()
    assert json.loads(done.stdout)["outcome"] == "skipped", done.stderr


@pytest.mark.parametrize("command", [["plan"], ["rejects", "replay"], ["hand-over"]])
def test_the_environment_that_env_names_is_used(flext, tmp_path, command):
    (tmp_path / "meltano.yml").write_text(
        "default_environment: dev\nenvironments: [{name: dev}]\n", encoding="utf-8"
    )
    (tmp_path / ".env").write_text("MELTANO_ENVIRONMENT=elsewhere\n", encoding="utf-8")
    assert "'elsewhere' is not declared" in flext(*command).stderr
