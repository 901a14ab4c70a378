"""Mistakes planted in a copy of tap and target turn the demo red: the comparison has teeth.

The copy is an environment of its own (a venv over this one) in which the mutated package comes
first; the demo runs from there, so every process it starts does too. Each mutation carries a probe
that leaves a file, so that a demo which never ran the mutated code proves nothing; and each has
columns that it alone can spoil.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("mutations"), pytest.mark.timeout(300)]
COMMANDS = (
    "flext",
    "flext-tap-oracle-wms",
    "flext-target-oracle",
    "meltano",
    "oracle-emulator",
    "wms-emulator",
)
# Columns that each mistake spoils and no other; package, module, texts to replace; RAN: the probe.
MUTATIONS = {
    "the tap's flattener forgets the keys of relations": (
        r".*_KEY",
        "flext_tap_oracle_wms",
        "records.py",
        {
            '"{0}.key if {1}.__class__ is Relation else None"': '"None"',
            "            rows = decoder.decode(results)\n": "            RAN()\n"
            "            rows = decoder.decode(results)\n",
        },
    ),
    "the target's decimals go through a float": (
        r".*_QTY",
        "flext_target_oracle",
        "values.py",
        {
            'found = _numbers.decode(b"[%b]" % joined)': (
                "found = RAN() or [None if each is None else Decimal(repr(each)) for each in"
                ' msgspec.json.decode(b"[%b]" % joined, type=list[float | None])]'
            ),
        },
    ),
    "the target drops the offset of timestamps": (
        r".*_TS",
        "flext_target_oracle",
        "values.py",
        {
            "list(map(_subtract, moments, repeat(offset))) if offset else": "RAN() or",
            "        return [None if m is None else _EPOCH + (m - _EPOCH_UTC) for": (
                "        return [None if m is None else RAN() or m.replace(tzinfo=None) for"
            ),
        },
    ),
}


def plant(root, number, package, module, replacements):
    """Mutate a copy of the package; answers the file that the mutation's probe leaves."""
    copy = root / "mutated" / package
    if not copy.exists():
        source = Path(importlib.util.find_spec(package).origin).parent
        shutil.copytree(source, copy)
    path = copy / module
    text = path.read_text(encoding="utf-8")
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{module} has no longer one place with {old!r}"
        text = text.replace(old, new.replace("RAN()", f"ran_{number}()"))
    ran = root / f"ran-{number}"
    head, future, rest = text.partition("from __future__ import annotations\n")
    probe = f"\n\ndef ran_{number}():\n    open({str(ran)!r}, 'a').close()\n"
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


def test_planted_mistakes_turn_the_demo_red_each_in_its_columns(lean_workspace, few_variables):
    """One demo for all: no mistake reaches the columns of another, so each is seen by itself."""
    tmp_path = lean_workspace
    probes = {
        name: plant(tmp_path, number, *mutation[1:])
        for number, (name, mutation) in enumerate(MUTATIONS.items())
    }
    programs = environment_over_ours(tmp_path)
    done = subprocess.run(
        [programs / "flext", "demo", "--json", "--rows", "20"],
        cwd=tmp_path,
        env=few_variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [name for name, ran in probes.items() if not ran.exists()] == [], done.stderr
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert result["equal"] is False
    columns = {column for each in result["streams"] for column in each["columns_that_differ"]}
    for name, (pattern, *_) in MUTATIONS.items():
        found = {column for column in columns if re.fullmatch(pattern, column)}
        assert found, f"{name}: none of {sorted(columns)}"
        columns -= found
    assert columns == set()
    difference = result["first_difference"]
    assert difference["column"] is not None
    assert difference["expected"] != difference["actual"]
    for part in (difference["stream"], difference["key"], difference["column"]):
        assert part in done.stderr
