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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

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
TEST_TIMEOUT_S, MODULE_TIMEOUT_S = 30, 300


@dataclass
class Module:
    """What became of one module's tests: name to outcome and to what a failure said."""

    name: str
    outcomes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    hung: bool = False

    def failed(self) -> set[str]:
        """Return the tests that failed though they are not excluded, with the module's name."""
        return {
            f"{self.name}::{test}"
            for test, outcome in self.outcomes.items()
            if outcome == "failed" and test.split("[")[0] not in self.excluded
        }


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
        wanted = [f"oracledb=={VERSION}", "--no-binary", ":all:", "--no-deps"]
        command = [str(PYTHON), "-m", "pip", "download", *wanted, "-d", str(CACHE), "-q"]
        subprocess.run(command, check=True)  # noqa: S603  # pip, with arguments of ours
        with tarfile.open(CACHE / f"oracledb-{VERSION}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")
    return target


def run_module(suite: Path, name: str, server: RunningServer) -> Module:
    """Run one module of the suite in a process of its own."""
    module = Module(name, excluded=exclusions.excluded(suite / "tests" / name))
    report = CACHE / f"outcomes-{server.profile}-{name.replace('/', '-')}.jsonl"
    report.unlink(missing_ok=True)
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PYO_TEST_")}
    environment = plain | {
        "PYTHONPATH": str(HERE / "plugin"),
        "CONFORMANCE_OUTCOMES": str(report),
        "CONFORMANCE_TEST_TIMEOUT_S": str(TEST_TIMEOUT_S),
        "PYO_TEST_MAIN_USER": schema.MAIN_USER,
        "PYO_TEST_MAIN_PASSWORD": schema.MAIN_PASSWORD,
        "PYO_TEST_PROXY_USER": schema.PROXY_USER,
        "PYO_TEST_PROXY_PASSWORD": schema.PROXY_PASSWORD,
        "PYO_TEST_CONNECT_STRING": f"localhost:{server.port}/{server.service_name}",
        "PYO_TEST_ADMIN_USER": "system",
        "PYO_TEST_ADMIN_PASSWORD": server.system_password,
    }
    command = [str(PYTHON), "-m", "pytest", "-q", "-p", "outcomes", "-p", "no:cacheprovider"]
    log = report.with_suffix(".log")
    with log.open("w") as output:
        try:
            subprocess.run(  # noqa: S603  # pytest, with arguments of ours
                [*command, f"tests/{name}"], cwd=suite, env=environment, stdout=output,
                stderr=subprocess.STDOUT, timeout=MODULE_TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            module.hung = True
    read_outcomes(module, report)
    return module


def read_outcomes(module: Module, report: Path) -> None:
    """Fill a module from its report; a test that was collected and never ended has failed."""
    entries = (
        [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    )
    for entry in entries:
        for node in entry.get("collected", ()):
            module.outcomes[node.partition("::")[2]] = "failed"
            module.texts[node.partition("::")[2]] = "it never ended"
    for entry in entries:
        if "test" in entry:
            test = entry["test"].partition("::")[2]
            module.outcomes[test] = entry["outcome"]
            module.texts[test] = entry["text"]
    if not module.outcomes:
        module.hung = True


def run_profile(suite: Path, profile: str, names: list[str]) -> list[Module]:
    """Run the modules against one profile's server."""
    with running_server(profile=profile) as server:
        refused = schema.load(server.dsn, server.system_password, 23 if profile == "23ai" else 19)
        for line in refused:
            say(f"{profile}: not made: {line}")
        modules = []
        for name in names:
            schema.restore_password(server.dsn, server.system_password)
            modules.append(run_module(suite, name, server))
        return modules


def judge(profile: str, modules: list[Module], *, whole: bool) -> bool:
    """Print what came out of a profile and return whether it is as it has to be."""
    counts: Counter[str] = Counter()
    for module in modules:
        left = Counter(
            outcome
            for test, outcome in module.outcomes.items()
            if test.split("[")[0] not in module.excluded
        )
        passed = Counter(module.outcomes.values())["passed"]
        counts.update(left)
        counts["all passed"] += passed
        counts["excluded"] += len(module.outcomes) - left.total()
        say(
            f"{profile:5} {module.name:48} passed {passed:4}  failed {left['failed']:3}"
            f"  skipped {left['skipped']:3}  excluded {len(module.outcomes) - left.total():3}"
            + ("  HUNG" if module.hung else "")
        )
    judged = counts["passed"] + counts["failed"]
    percent = 100 * counts["passed"] / max(1, judged)
    say(
        f"{profile:5} {counts['all passed']} passed; of {judged} that are not excluded"
        f" {counts['passed']} passed ({percent:.1f} %); {counts['excluded']} excluded"
    )
    failed = set().union(*(module.failed() for module in modules))
    known = set(expected(profile))
    if not whole:
        known = {test for test in known if test.partition("::")[0] in {m.name for m in modules}}
    texts = {f"{m.name}::{test}": text for m in modules for test, text in m.texts.items()}
    for test in sorted(failed - known):
        say(f"{profile}: fails and is not on the list: {test}: {texts[test].splitlines()[:1]}")
    for test in sorted(known - failed):
        say(f"{profile}: is on the list and does not fail any more: {test}")
    enough = counts["all passed"] >= MIN_PASSED and percent >= MIN_PASSED_PERCENT
    return failed == known and (enough or not whole) and not any(m.hung for m in modules)


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
