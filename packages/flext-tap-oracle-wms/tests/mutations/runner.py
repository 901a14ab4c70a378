"""Mutations of the tap's rules, each in a fork of one warm process; prints what survived.

    python packages/flext-tap-oracle-wms/tests/mutations/runner.py [--step N] [--only MODULE …]

A fork imports the package with one expression changed and runs the tests that hold that module,
without the package's fixtures, until the first that fails. Nothing is written to disk. Run by
test_mutations.py; what a mutation is stands in mutator.py.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import mutator  # noqa: E402 -- beside this file, which is a script

TESTS = HERE.parent
PACKAGE = "flext_tap_oracle_wms"
SOURCE = TESTS.parent / "src" / PACKAGE
#: The rules that completeness stands on, and the tests that must hold them, quickest first.
TARGETS = {
    "paging.py": ["test_paging_properties.py", "sync/test_reading.py"],
    "sync/ranges.py": ["sync/test_ranges_side_by_side.py", "sync/test_ranges.py"],
    "sync/reading.py": ["sync/test_reading.py"],
    "windows.py": ["test_windows_properties.py"],
    "retry.py": ["test_retry_properties.py", "test_client.py"],
    "bookmarks.py": ["test_bookmarks_properties.py"],
    "sizing.py": ["test_sizing_properties.py", "test_budget_properties.py"],
    "budget.py": ["test_budget_properties.py"],
}
#: A mutation that makes the tests take this much longer than they do hangs, and is noticed.
SLOWER_TIMES, AT_LEAST_S = 10, 20
#: Only the plugins that the configuration needs: the others take longer than most tests.
PLUGINS = ("_hypothesis_pytestplugin", "pytest_socket", "pytest_timeout")
OPTIONS = (
    *("-q", "-x", "--noconftest", "--assert=plain", "--timeout=0"),
    *(option for name in PLUGINS for option in ("-p", name)),
)


class Planted(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives the import system one module's changed code in place of the file's."""

    def __init__(self, module: str, path: Path, code: CodeType) -> None:
        self._module, self._path, self._code = module, path, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self._module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return self._code

    def get_data(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def get_filename(self, fullname: str) -> str:
        del fullname
        return str(self._path)


def warm() -> None:
    """Import once what every fork needs and no mutation changes."""
    os.environ |= {"CI": "true", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name in ("pytest", "hypothesis.strategies", "msgspec", "urllib3", *PLUGINS):
        importlib.import_module(name)
    importlib.import_module("flext_observability.testing")
    import hypothesis

    hypothesis.settings.register_profile(
        "mutations",
        derandomize=True,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # a failure is enough
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutations")
    with contextlib.redirect_stdout(io.StringIO()):
        importlib.import_module("pytest").main([*OPTIONS, "--version"])
    gc.freeze()
    assert not [name for name in sys.modules if name.startswith(PACKAGE)]


def begin(name: str, code: CodeType | None, limit_s: float) -> int:
    """Start a fork that tests a module with that code; its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 99
    try:
        signal.alarm(int(limit_s))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        if code is not None:
            module = f"{PACKAGE}.{name.removesuffix('.py').replace('/', '.')}"
            sys.meta_path.insert(0, Planted(module, SOURCE / name, code))
        import pytest

        status = int(pytest.main([*OPTIONS, *(str(TESTS / each) for each in TARGETS[name])]))
    finally:
        os._exit(status)


def ended(pid: int) -> str:
    """Wait for a fork; "passed", "failed", or "hung"."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return "hung" if os.WTERMSIG(status) == signal.SIGALRM else "failed"
    return "passed" if os.WEXITSTATUS(status) == 0 else "failed"


def limits(names: Sequence[str]) -> dict[str, float]:
    """Run each module's tests unchanged; how long a mutation of it may take.

    Raises:
        SystemExit: they fail, so they would "notice" everything.
    """
    found = {}
    for name in names:
        started_s = time.monotonic()
        if ended(begin(name, None, 600)) != "passed":
            raise SystemExit(f"{name}: its tests fail without any mutation: {TARGETS[name]}")
        found[name] = max(AT_LEAST_S, SLOWER_TIMES * (time.monotonic() - started_s))
    return found


def outcomes(
    chosen: Sequence[mutator.Mutation], limit_s: dict[str, float], workers: int
) -> Iterator[tuple[mutator.Mutation, str]]:
    """Yield each mutation with what became of it."""
    waiting, running = list(reversed(chosen)), dict[int, mutator.Mutation]()
    while waiting or running:
        while waiting and len(running) < workers:
            mutation = waiting.pop()
            code = mutation.code(SOURCE)
            running[begin(mutation.module, code, limit_s[mutation.module])] = mutation
        pid, status = os.wait()
        mutation = running.pop(pid)
        hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
        passed = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        yield mutation, "hung" if hung else "passed" if passed else "failed"


def main() -> int:
    """Run the mutations and print what became of them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="only every so manieth mutation")
    parser.add_argument("--only", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    warm()
    every = [each for name in arguments.only for each in mutator.of_module(SOURCE, name)]
    chosen = every[:: arguments.step]
    started_s = time.monotonic()
    counts = {name: {"failed": 0, "hung": 0, "passed": 0} for name in arguments.only}
    survivors = []
    for mutation, outcome in outcomes(chosen, limits(arguments.only), arguments.workers):
        counts[mutation.module][outcome] += 1
        if outcome == "passed":
            survivors.append(mutation.name)
        if outcome != "failed":
            # On a busy machine what hung may only have been slow: it is told, to be run again.
            sys.stderr.write(f"{'survived' if outcome == 'passed' else 'hung'}: {mutation.name}\n")
    with contextlib.suppress(BrokenPipeError):
        seconds = round(time.monotonic() - started_s)
        found = {"mutations": len(chosen), "seconds": seconds, "modules": counts}
        sys.stdout.write(json.dumps({**found, "survivors": sorted(survivors)}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
