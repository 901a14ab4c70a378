"""What concerns every test run, whichever package it is of. Fixtures live beside the tests."""

from __future__ import annotations

import gc

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what collecting made out of garbage collection: it stays to the end of the run.

    Thousands of tests and their modules would be looked through again at each full collection;
    tests that make many objects, as those with a grammar do, spend a fifth of their time on that.
    """
    del session
    gc.collect()
    gc.freeze()
