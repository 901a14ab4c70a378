"""Mistakes planted in a copy of tap and target turn the demo red: the comparison has teeth.

The copy is an environment of its own (a venv over this one) in which the mutated package comes
first; the demo runs from there, so every process it starts does too. Each mutation carries a probe
that leaves a file, so that a demo which never ran the mutated code proves nothing.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from flext_cli.demo import folder

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "flext",
    "flext-tap-oracle-wms",
    "flext-target-oracle",
    "meltano",
    "oracle-emulator",
    "wms-emulator",
)
# package, module, and texts to replace; RAN is the probe.
MUTATIONS = {
    "the tap's flattener forgets the keys of relations": (
        "flext_tap_oracle_wms",
        "records.py",
        {
            '"{0}.key if {1}.__class__ is Relation else None"': '"None"',
            "            rows = decoder.decode(results)\n": "            RAN()\n"
            "            rows = decoder.decode(results)\n",
        },
        "_KEY",
    ),
    "the target's decimals go through a float": (
        "flext_target_oracle",
        "values.py",
        {
            "                values.append(value or _ZERO)\n": "                RAN()\n"
            "                values.append(Decimal(repr(float(value))))\n",
        },
        None,
    ),
    "the target drops the offset of timestamps": (
        "flext_target_oracle",
        "values.py",
        {
            "            else moment.astimezone(UTC).replace(tzinfo=None)\n            for": (
                "            else RAN() or moment.replace(tzinfo=None)\n            for"
            ),
        },
        "_TS",
    ),
}


def plant(root, package, module, replacements):
    """A copy of the package with the mutation; answers the file that its probe leaves."""
    source = Path(importlib.util.find_spec(package).origin).parent
    shutil.copytree(source, root / "mutated" / package)
    path = root / "mutated" / package / module
    text = path.read_text(encoding="utf-8")
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{module} has no longer one place with {old!r}"
        text = text.replace(old, new)
    ran = root / "ran"
    head, future, rest = text.partition("from __future__ import annotations\n")
    probe = f"\n\ndef RAN():\n    open({str(ran)!r}, 'a').close()\n"
    path.write_text(head + future + probe + rest, encoding="utf-8")
    return ran


def environment_over_ours(root):
    """An environment that has all of ours, with the mutated package before it."""
    venv.create(root / "venv", with_pip=False, symlinks=True)
    python = root / "venv" / "bin" / "python"
    ours = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    (site,) = (root / "venv" / "lib").glob("python*/site-packages")
    (site / "0_mutated.pth").write_text(f"{root / 'mutated'}\n", encoding="utf-8")
    (site / "1_ours.pth").write_text(
        f"import site; site.addsitedir({str(ours)!r})\n", encoding="utf-8"
    )
    for command in COMMANDS:
        body = (Path(sys.executable).parent / command).read_text(encoding="utf-8")
        script = python.parent / command
        script.write_text(f"#!{python}\n" + body.partition("\n")[2], encoding="utf-8")
        script.chmod(0o755)
    return python.parent


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_planted_mistake_turns_the_demo_red(tmp_path, mutation):
    package, module, replacements, column_ending = MUTATIONS[mutation]
    ran = plant(tmp_path, package, module, replacements)
    programs = environment_over_ours(tmp_path)
    (tmp_path / "meltano.yml").write_bytes((ROOT / "meltano.yml").read_bytes())
    done = subprocess.run(
        [programs / "flext", "demo", "--json", "--rows", "20"],
        cwd=tmp_path,
        env=folder.environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.exists(), done.stderr
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert result["equal"] is False
    difference = result["first_difference"]
    assert difference["column"] is not None
    assert difference["expected"] != difference["actual"]
    assert difference["column"].endswith(column_ending or "")
    for part in (difference["stream"], difference["key"], difference["column"]):
        assert part in done.stderr
