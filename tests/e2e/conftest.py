"""A rig for whole-pipeline tests: both emulators, a Meltano project, and the verdict.

Built of the demo's own parts, so that what is tested is what a user runs.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import yaml

from flext_cli import meltano, oracle, project, wms
from flext_cli.demo import ends, folder, verdict
from flext_cli.demo.processes import Household

ROOT = Path(__file__).resolve().parents[2]

#: What is kept of the environment, as a scheduler gives it: Meltano looks at every variable for
#: each setting, thousands of times a run.
FEW = (
    "CI", "HOME", "LANG", "ORACLE_EMULATOR_TEMPLATES", "PATH", "TMPDIR", "USER",
    "WMS_EMULATOR_TEMPLATES",
)  # fmt: skip
#: The tap's and the target's settings of which a rig's project knows, for the same reason: those
#: that the demo, a command that reads again or a test here sets. With all of meltano.yml
#: run the demo and the README's steps.
KNOWN = {
    "tap-oracle-wms": [
        "base_url", "username", "password", "oauth_client_secret", "ca_file", "entities",
        "sync_mode", "page_size", "max_retries", "max_concurrency", "discovery_cache_age_s",
        "filters", "lookback_seconds", "deep_lookback_seconds", "daily_lookback_seconds",
        "start_date", "end_date", "ids_file", "hand_over", "include", "exclude",
    ],
    "target-oracle": [
        "host", "port", "service_name", "protocol", "ssl_server_dn_match", "user", "password",
        "wallet_location", "schema", "table_prefix", "load_method", "batch_size", "on_overflow",
        "max_rejects", "keep_newer", "on_missing", "overwrite_on_eof", "inexact_number", "ddl",
    ],
}  # fmt: skip

#: Secrets that are set and play no part: no output may show them either.
PLANTED = {
    "FLEXT_TAP_ORACLE_WMS_OAUTH_CLIENT_SECRET": "planted/oauth+secret=91",
    "FLEXT_ALERT_WEBHOOK_TOKEN": "planted/webhook+token=92",
}


def few_variables():
    """The environment with little in it, and nothing of ours or of Meltano."""
    return {name: os.environ[name] for name in FEW if name in os.environ}


def lean(root):
    """Leave of the settings in a project's meltano.yml those that are used here."""
    path = root / project.FILE_NAME
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for plugin in (*content["plugins"]["extractors"], *content["plugins"]["loaders"]):
        if names := KNOWN.get(plugin["name"]):
            declared = {each["name"]: each for each in plugin["settings"]}
            plugin["settings"] = [declared[name] for name in names]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def check_known(variables):
    """Meltano would keep a setting from the plugins that its project does not know."""
    for plugin, names in KNOWN.items():
        prefix = f"FLEXT_{plugin}_".replace("-", "_").upper()
        for variable in variables:
            if variable.startswith(prefix):
                assert variable.removeprefix(prefix).lower() in names, f"add {variable} to KNOWN"


@dataclass
class Rig:
    """Two running ends and a project between them."""

    place: folder.Folder
    ends: ends.Ends
    household: Household
    environ: dict = field(default_factory=few_variables)

    def settings(self, **changes):
        """Write `.env`; a change of None leaves a line out."""
        settings = {**self.ends.settings(), **PLANTED, **changes}
        filled = {name: value for name, value in settings.items() if value is not None}
        check_known(filled)
        folder.write_settings(self.place, filled)

    def start(self, *argv, **environ):
        """A Meltano command in the project, in a session of its own."""
        check_known(environ)
        return subprocess.Popen(
            [str(meltano.executable("meltano")), *argv],
            cwd=self.place.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *argv, run_id=None, **environ):
        """Run a Meltano command to its end; answers exit code and all output."""
        run_id = run_id or str(uuid.uuid4())
        process = self.start(*argv, MELTANO_RUN_ID=run_id, **environ)
        output, _ = process.communicate(timeout=170)
        return process.returncode, output

    def text(self, *argv):
        """Run `flext` in the project; answers its stdout."""
        command = str(Path(sys.executable).parent / "flext")
        done = subprocess.run(
            [command, *argv],
            cwd=self.place.root,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=170,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def flext(self, *argv):
        """Run `flext` in the project; answers the JSON objects on its stdout."""
        return [json.loads(line) for line in self.text(*argv).splitlines()]

    def states(self):
        """What Meltano has stored, by state id: from its database, a start of it costs seconds."""
        with contextlib.closing(sqlite3.connect(self.place.root / ".meltano/meltano.db")) as found:
            rows = found.execute("SELECT state_id, completed_state FROM state").fetchall()
        return {state_id: json.loads(state or "{}") for state_id, state in rows}

    def verdict(self, *run_ids):
        """Both ends compared."""
        return verdict.reach(self.ends, run_ids, self.place.root)

    def admin(self, method, path, body=None):
        """One request to the WMS emulator's admin interface."""
        return wms.admin(self.ends.wms, method, path, body)

    def sql(self, statement, user=None):
        """One statement in Oracle; answers its rows, if it has any."""
        with (
            oracle.connected(user or self.ends.oracle) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def _load(name):
    """Test modules cannot import each other in this import mode; fixtures are loaded by path."""
    spec = importlib.util.spec_from_file_location(
        f"flext_e2e_{name}", Path(__file__).with_name(f"{name}.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_witness = _load("fix_witness")


@pytest.fixture(scope="session", autouse=True)
def session_witness(tmp_path_factory):
    """Sees every process that these tests start."""
    found = _witness.Witness(tmp_path_factory.mktemp("witness"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", _witness.watched(found))
        yield found


@pytest.fixture(autouse=True)
def witness(session_witness, request):
    """After each test: no secret in what its processes were given or said."""
    session_witness.plant(getattr(request.module, "WRONG_PASSWORD", None))
    yield session_witness
    assert session_witness.found() == []


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory, session_witness):
    """The database of a new Meltano project: each one's first command takes seconds to make it."""
    place = folder.furnish(tmp_path_factory.mktemp("meltano"), project.find(ROOT, {}))
    meltano.export_states(place.root, few_variables())
    return place.root / ".meltano" / "meltano.db"


def _build(household, root, rows, fresh_database):
    place = folder.furnish(root, project.find(ROOT, {}))
    lean(root)
    (root / ".meltano").mkdir()
    shutil.copyfile(fresh_database, root / ".meltano" / fresh_database.name)
    environ = few_variables()
    both = ends.start(household, place, environ, rows=rows, keep=False)
    ends.make_account(both)
    rig = Rig(place, both, household)
    rig.settings()
    return rig


@contextlib.contextmanager
def _rigs(witness, fresh_database, folder):
    """Rigs, each in a folder in which no secret is left, however they ended."""
    roots = []
    with Household() as household:

        def build(rows=60):
            roots.append(folder())
            rig = _build(household, roots[-1], rows, fresh_database)
            witness.plant(rig.ends.wms.password, user=rig.ends.wms.username)
            witness.plant(rig.ends.oracle.password, rig.ends.system.password, *PLANTED.values())
            return rig

        yield build
    for root in roots:
        witness.read(root)
    assert witness.found() == []


@pytest.fixture
def make_rig(tmp_path, witness, fresh_database):
    """Build a rig for one test; everything it started is ended afterwards."""
    with _rigs(witness, fresh_database, lambda: tmp_path) as build:
        yield build


@pytest.fixture(scope="module")
def make_module_rig(tmp_path_factory, session_witness, fresh_database):
    """Build a rig for the tests of a module; everything it started is ended after the last."""
    roots = partial(tmp_path_factory.mktemp, "rig")
    with _rigs(session_witness, fresh_database, roots) as build:
        yield build


@pytest.fixture(scope="module")
def shared_rig(make_module_rig):
    """A rig for the tests of a module that load nothing into it."""
    return make_module_rig(20)


@pytest.fixture(scope="session", name="few_variables")
def _few_variables():
    return few_variables()


@pytest.fixture
def lean_workspace(tmp_path):
    """A folder with a meltano.yml of the settings that the demo sets, and little to read."""
    shutil.copyfile(ROOT / project.FILE_NAME, tmp_path / project.FILE_NAME)
    lean(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def flext():
    """The command `flext` of this environment."""
    return str(Path(sys.executable).parent / "flext")
