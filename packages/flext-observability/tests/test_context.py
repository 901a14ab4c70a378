"""Run id and stream: what is bound where."""

from __future__ import annotations

import threading

from flext_observability import bound, run_id_from_env
from flext_observability.context import current, set_process


def test_the_inner_block_wins_and_the_outer_comes_back() -> None:
    set_process(component="c", run_id="r")
    with bound(stream="a"):
        with bound(stream="b", run_id="other", batch=7):
            assert current() == {"run_id": "other", "stream": "b", "component": "c", "batch": 7}
        assert current() == {"run_id": "r", "stream": "a", "component": "c"}
    assert current() == {"run_id": "r", "stream": None, "component": "c"}


def test_another_thread_sees_the_process_and_not_what_is_bound() -> None:
    set_process(run_id="r")
    seen: list[dict[str, object]] = []
    with bound(stream="a"):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [{"run_id": "r", "stream": None, "component": None}]


def test_binding_nothing_hides_nothing() -> None:
    with bound(stream="a"), bound(stream=None):
        assert current()["stream"] == "a"


def test_the_run_id_comes_from_the_first_variable_that_says_one() -> None:
    both = {"MELTANO_RUN_ID": "run", "MELTANO_PARENT_CONTEXT_UUID": "context"}
    assert run_id_from_env(both) == "run"
    assert run_id_from_env(both | {"MELTANO_RUN_ID": " "}) == "context"
    assert run_id_from_env({}) is None
