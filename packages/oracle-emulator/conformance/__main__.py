"""Run the driver's own test suite against the emulator, on both profiles, and judge the outcome.

The suite comes with the driver's source distribution, which pip downloads once into `.conformance/`
(git ignores it); it runs in an environment of its own there. What may fail stands in
`expected-failures.toml`: a test that enters or leaves that list fails the run. Nothing of the suite
is in this repository.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import exclusions
import schema

from oracle_emulator.testing import RunningServer, running_server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CACHE = ROOT / ".conformance"
PYTHON = CACHE / "venv" / "bin" / "python"
VERSION = "26.1.0"
EXPECTED = HERE / "expected-failures.toml"
MODULES = tuple((HERE / "modules.txt").read_text().split())
PROFILES = ("19c", "23ai")
MIN_PASSED, MIN_PASSED_PERCENT = 930, 85
# Generous: the machine may be busy. Who hangs is ended by them, and fails.
TEST_TIMEOUT_S, MODULE_TIMEOUT_S = 120, 900
MAX_UNSTEADY = 12  # on a profile; more are no accident


@dataclass
class Module:
    """What became of one module's tests: name to outcome and to what a failure said."""

    name: str
    outcomes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)  # with the reason; they are not run
    excluded_count: int = 0  # with every set of parameters
    unsteady: dict[str, str] = field(default_factory=dict)  # what it said when it differed
    hung: bool = False

    def differs(self, known: Set[str]) -> set[str]:
        """Return the tests that fail and are not on the list, or are on it and do not fail."""
        listed = {
            test.removeprefix(f"{self.name}::")
            for test in known
            if test.startswith(f"{self.name}::")
        }
        failed = {test for test, outcome in self.outcomes.items() if outcome == "failed"}
        return failed ^ listed

    def settle(self, second: Module, known: Set[str]) -> None:
        """Take the outcome of a second run where that one agrees with the list."""
        for test in self.differs(known) - second.differs(known):
            if test in second.outcomes:
                self.unsteady[test] = self.texts.get(test) or self.outcomes.get(test, "not run")
                self.outcomes[test] = second.outcomes[test]
        self.hung |= second.hung


def make_environment() -> None:
    """Make the environment that the suite runs in, with what its pins say and nothing else."""
    pins = ROOT / "requirements" / "conformance.txt"
    stamp = CACHE / "installed.txt"
    if stamp.exists() and stamp.read_bytes() == pins.read_bytes():
        return
    CACHE.mkdir(exist_ok=True)
    uv = str(ROOT / ".uv" / "bin" / "uv")
    for arguments in (
        ["venv", "--quiet", "--allow-existing", "--python", sys.executable, str(PYTHON.parents[1])],
        ["pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), str(pins)],
    ):
        subprocess.run([uv, *arguments], check=True)  # noqa: S603  # uv, with arguments of ours
    stamp.write_bytes(pins.read_bytes())


def fetch_suite() -> Path:
    """Return the directory of the suite; download it when it is not there yet."""
    target = CACHE / f"oracledb-{VERSION}"
    make_environment()
    if not (target / "tests" / "conftest.py").exists():
        CACHE.mkdir(exist_ok=True)
        wanted = [f"oracledb=={VERSION}", "--no-binary", "oracledb", "--no-deps"]
        wanted += ["--no-build-isolation"]  # with the backend in `unbuilt`: it is only read
        command = [str(PYTHON), "-m", "pip", "download", *wanted, "-d", str(CACHE), "-q"]
        environment = os.environ | {"PYTHONPATH": str(HERE / "unbuilt")}
        subprocess.run(command, check=True, env=environment)  # noqa: S603  # pip, with arguments of ours
        with tarfile.open(CACHE / f"oracledb-{VERSION}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")
    return target


class Runs:
    """The suite on one server: a process that has imported the suite's needs and forks per run."""

    def __init__(self, suite: Path, server: RunningServer) -> None:
        self._suite = suite
        self._profile = server.profile
        plain = {key: value for key, value in os.environ.items() if not key.startswith("PYO_TEST_")}
        environment = plain | {
            "PYTHONPATH": str(HERE / "plugin"),
            "CONFORMANCE_TEST_TIMEOUT_S": str(TEST_TIMEOUT_S),
            "PYO_TEST_MAIN_USER": schema.MAIN_USER,
            "PYO_TEST_MAIN_PASSWORD": schema.MAIN_PASSWORD,
            "PYO_TEST_PROXY_USER": schema.PROXY_USER,
            "PYO_TEST_PROXY_PASSWORD": schema.PROXY_PASSWORD,
            "PYO_TEST_CONNECT_STRING": f"localhost:{server.port}/{server.service_name}",
            "PYO_TEST_ADMIN_USER": "system",
            "PYO_TEST_ADMIN_PASSWORD": server.system_password,
        }
        self._process = subprocess.Popen(  # noqa: S603  # a script of ours
            [str(PYTHON), str(HERE / "preloaded.py")], cwd=suite, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def module(self, name: str) -> Module:
        """Run one module of the suite."""
        module = Module(name, excluded=exclusions.excluded(self._suite / "tests" / name))
        self._run(module, name, f"tests/{name}")
        return module

    def again(self, module: Module, tests: Iterable[str]) -> Module:
        """Run some tests of a module once more, each by itself."""
        second = Module(module.name, excluded=module.excluded)
        for test in tests:
            self._run(second, f"again-{module.name}-{test}", f"tests/{module.name}::{test}")
        return second

    def _run(self, module: Module, label: str, wanted: str) -> None:
        name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in label)
        report = CACHE / f"outcomes-{self._profile}-{name}.jsonl"
        report.unlink(missing_ok=True)
        order = {
            "arguments": ["-q", "--tb=short", "-p", "outcomes", "-p", "no:cacheprovider", wanted],
            "environment": {
                "CONFORMANCE_OUTCOMES": str(report),
                "CONFORMANCE_EXCLUDED": json.dumps(sorted(module.excluded)),
            },
            "log": str(report.with_suffix(".log")),
            "timeout_s": MODULE_TIMEOUT_S,
        }
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process that runs the suite has no pipes")
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        module.hung |= not answer or json.loads(answer)["hung"]
        read_outcomes(module, report)


def read_outcomes(module: Module, report: Path) -> None:
    """Fill a module from its report; a test that was collected and never ended has failed."""
    entries = (
        [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    )
    for entry in entries:
        module.excluded_count += entry.get("excluded", 0)
        for node in entry.get("collected", ()):
            module.outcomes[node.partition("::")[2]] = "failed"
            module.texts[node.partition("::")[2]] = "it never ended"
    for entry in entries:
        if "test" in entry:
            test = entry["test"].partition("::")[2]
            module.outcomes[test] = entry["outcome"]
            module.texts[test] = entry["text"]
    if not module.outcomes and not module.excluded_count:
        module.hung = True


def run_profile(suite: Path, profile: str, names: list[str]) -> list[Module]:
    """Run the modules against one profile's server, and what differs from the list once more."""
    with running_server(profile=profile) as server, Runs(suite, server) as runs:
        refused = schema.load(server.dsn, server.system_password, 23 if profile == "23ai" else 19)
        for line in refused:
            say(f"{profile}: not made: {line}")
        modules = []
        for name in names:
            schema.restore_password(server.dsn, server.system_password)
            modules.append(runs.module(name))
            say_module(profile, modules[-1])
        try_again(profile, modules, runs)
        return modules


def try_again(profile: str, modules: Iterable[Module], runs: Runs) -> None:
    """Run by itself what differs from the list; what agrees then is noted as unsteady.

    On a busy machine a test that measures time may fail once. More than a few such tests say
    something else, and then the first outcome stands.
    """
    known = set(expected(profile))
    differing = {module.name: sorted(module.differs(known)) for module in modules}
    if sum(map(len, differing.values())) > MAX_UNSTEADY:
        return
    for module in modules:
        if differing[module.name]:
            module.settle(runs.again(module, differing[module.name]), known)


def say_module(profile: str, module: Module) -> None:
    """Print what came out of a module."""
    counts = Counter(module.outcomes.values())
    say(
        f"{profile:5} {module.name:48} passed {counts['passed']:4}  failed {counts['failed']:3}"
        f"  skipped {counts['skipped']:3}  excluded {module.excluded_count:3}"
        + ("  HUNG" if module.hung else "")
    )


def judge(profile: str, modules: list[Module], *, whole: bool) -> bool:
    """Print what came out of a profile and return whether it is as it has to be."""
    counts: Counter[str] = Counter()
    for module in modules:
        counts.update(module.outcomes.values())
    judged = counts["passed"] + counts["failed"]
    percent = 100 * counts["passed"] / max(1, judged)
    say(
        f"{profile:5} {counts['passed']} of {judged} passed ({percent:.1f} %), {counts['skipped']}"
        f" skipped; {sum(module.excluded_count for module in modules)} are excluded"
    )
    known = set(expected(profile))
    for module in modules:
        for test, text in sorted(module.unsteady.items()):
            say(f"{profile}: unsteady, by itself as on the list: {module.name}::{test}: {text}")
        for test in sorted(module.differs(known)):
            listed = f"{module.name}::{test}" in known
            what = "is on the list and does not fail any more"
            if not listed:
                what = f"fails and is not on the list: {module.texts[test].splitlines()[:1]}"
            say(f"{profile}: {module.name}::{test} {what}")
    right = not any(module.hung or module.differs(known) for module in modules)
    enough = counts["passed"] >= MIN_PASSED and percent >= MIN_PASSED_PERCENT
    return right and (enough or not whole)


def expected(profile: str) -> dict[str, str]:
    """Return the tests that are expected to fail on a profile, with the reasons."""
    if not EXPECTED.exists():
        return {}
    listed: dict[str, dict[str, str]] = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
    return {**listed.get("both", {}), **listed.get(profile, {})}


def say(line: str) -> None:
    """Write a line for whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, action="append")
    parser.add_argument("modules", nargs="*", help="modules of the suite, by default all")
    options = parser.parse_args()
    profiles = options.profile or list(PROFILES)
    names = [
        name for name in MODULES if not options.modules or any(w in name for w in options.modules)
    ]
    suite = fetch_suite()
    with ThreadPoolExecutor(len(profiles)) as pool:
        runs = [pool.submit(run_profile, suite, profile, names) for profile in profiles]
        results = [run.result() for run in runs]
    whole = names == list(MODULES)
    right = [
        judge(profile, modules, whole=whole)
        for profile, modules in zip(profiles, results, strict=True)
    ]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
