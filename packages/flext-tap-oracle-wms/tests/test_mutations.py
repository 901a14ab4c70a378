"""Deliberate faults in the tap's rules: the tests beside them must notice at least 80 of 100.

The runner (mutations/runner.py) makes each mutation in a process of its own and runs the tests of
its module. Those that nobody notices are listed in mutations/survivors.txt, each with why; one that
is not listed fails here, and so does a listed one that is noticed by now. Not part of `make test`:
it runs for minutes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "mutations"


def listed():
    """Each survivor that is known, with why it survives."""
    lines = (FOLDER / "survivors.txt").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    return {name: why for name, _, why in (line.partition("  # ") for line in entries)}


def run(*arguments):
    done = subprocess.run(
        [sys.executable, str(FOLDER / "runner.py"), *arguments],
        stdout=subprocess.PIPE,
        check=True,
        timeout=3500,
    )
    return json.loads(done.stdout)


def test_every_listed_survivor_has_a_reason_and_a_place():
    found = listed()
    for name, why in found.items():
        assert re.match(r"(sync/)?[a-z]+\.py: ", name), name
        assert len(why) > 15, name


def test_a_fault_is_noticed():
    """The runner itself: what changes in a fork is what its tests see."""
    found = run("--only", "sizing.py", "--step", "4")
    outcomes = found["modules"]["sizing.py"]
    assert outcomes["failed"] >= found["mutations"] - 2 > 0
    assert outcomes["passed"] == len(found["survivors"])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_tests_notice_faults_in_the_rules():
    step = os.environ.get("FLEXT_MUTATION_STEP", "1")
    found = run("--step", step)
    print(json.dumps(found["modules"], indent=1))
    assert len(found["survivors"]) <= 0.2 * found["mutations"]
    unknown = set(found["survivors"]) - listed().keys()
    assert unknown == set()
    if step == "1":
        assert listed().keys() == set(found["survivors"])
