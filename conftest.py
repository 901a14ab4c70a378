"""What concerns every test run, whichever package it is of. Fixtures live beside the tests."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile

import hypothesis
import pytest

#: Where processes of emulators start from what the first one of this run has made.
TEMPLATES = ("ORACLE_EMULATOR_TEMPLATES", "WMS_EMULATOR_TEMPLATES")
_made = pytest.StashKey[str]()

# How long an example takes, or making one, says how busy the machine is; no test is about that.
hypothesis.settings.register_profile(
    "workspace",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("workspace")


def pytest_configure(config: pytest.Config) -> None:
    """Make a directory for the templates of emulators; workers inherit its name.

    Whoever starts this in the background of a script leaves SIGINT ignored, and so it would be by
    all that the tests start and send it to.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not any(name in os.environ for name in TEMPLATES):
        config.stash[_made] = made = tempfile.mkdtemp(prefix="flext-templates-")
        os.environ.update(dict.fromkeys(TEMPLATES, made))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it."""
    if made := config.stash.get(_made, None):
        for name in TEMPLATES:
            del os.environ[name]
        shutil.rmtree(made)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what collecting made out of garbage collection: it stays to the end of the run.

    Thousands of tests and their modules would be looked through again at each full collection;
    tests that make many objects, as those with a grammar do, spend a fifth of their time on that.
    """
    del session
    gc.collect()
    gc.freeze()
