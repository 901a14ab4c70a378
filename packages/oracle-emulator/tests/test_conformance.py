"""The judge of the driver's own tests: what it excludes, and that it sees what changes."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

DROP_IF_EXISTS = """begin execute immediate 'drop table t'; exception
    when others then if sqlcode != -942 then raise; end if; end;"""
DIRECTORY = Path(__file__).parents[1] / "conformance"


@pytest.fixture
def load(monkeypatch):
    def load(name):
        monkeypatch.syspath_prepend(str(DIRECTORY))
        spec = importlib.util.spec_from_file_location(f"conformance_{name}", DIRECTORY / name)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cursor.execute('select 1 from dual')", None),
        ("cursor.execute('begin null; end;')", None),
        ("begin dbms_session.sleep(:1); end;", None),
        (DROP_IF_EXISTS, None),
        ("begin :1 := 5; end;", "PL/SQL"),
        ("begin null; end; begin proc(:1); end;", "PL/SQL"),
        ("cursor.callproc('x')", "PL/SQL"),
        ("create or replace function f return number", "PL/SQL"),
        ("conn.gettype('UDT_OBJECT')", "object types"),
        ("select IntCol from TestXML", "XML"),
        ("insert into TestJsonCols values (1)", "JSON"),
        ("skip_unless_vectors_supported", "vectors"),
    ],
)  # fmt: skip
def test_exclusions_go_by_what_a_test_says(load, text, reason):
    assert load("exclusions.py").reason_of(text) == reason


def test_what_a_helper_or_a_fixture_says_counts_for_the_tests_that_use_it(load, tmp_path):
    module = tmp_path / "test_x.py"
    module.write_text(
        'def _helper(cursor):\n    cursor.callproc("p")\n\n\n'
        'def fixture(conn):\n    conn.gettype("T")\n\n\n'
        "def test_a(cursor):\n    _helper(cursor)\n\n\n"
        "def test_b(fixture):\n    pass\n\n\n"
        'def test_c(cursor):\n    "begin is only a word; here"\n    cursor.fetchall()\n'
    )
    assert load("exclusions.py").excluded(module) == {"test_a": "PL/SQL", "test_b": "object types"}


@pytest.mark.parametrize(
    ("outcomes", "listed", "right"),
    [
        ({"test_a": "passed", "test_b": "failed"}, {"m.py::test_b": "why"}, True),
        ({"test_a": "failed", "test_b": "failed"}, {"m.py::test_b": "why"}, False),
        ({"test_a": "passed", "test_b": "passed"}, {"m.py::test_b": "why"}, False),
        ({"test_a": "passed", "test_b": "skipped"}, {"m.py::test_b": "why"}, False),
        ({"test_a": "passed"}, {"other.py::test_b": "why"}, True),
    ],
)
def test_a_test_that_enters_or_leaves_the_list_fails_the_run(
    load, monkeypatch, capsys, outcomes, listed, right
):
    judge = load("__main__.py")
    monkeypatch.setattr(judge, "expected", lambda profile: listed)
    module = judge.Module("m.py", outcomes, dict.fromkeys(outcomes, "it failed"))
    assert judge.judge("19c", [module], whole=False) is right
    assert ("list" in capsys.readouterr().out) is not right


def test_too_few_passing_tests_or_a_module_that_hangs_fail_the_run(load, monkeypatch):
    judge = load("__main__.py")
    monkeypatch.setattr(judge, "expected", lambda profile: {})
    many = {f"test_{n}": "passed" for n in range(judge.MIN_PASSED)}
    assert judge.judge("19c", [judge.Module("m.py", many)], whole=True)
    assert not judge.judge("19c", [judge.Module("m.py", many, hung=True)], whole=True)
    many.popitem()
    assert not judge.judge("19c", [judge.Module("m.py", many)], whole=True)


class Again:
    """What a second run of single tests says."""

    def __init__(self, judge, outcomes, hung):
        self.judge, self.outcomes, self.hung, self.asked = judge, outcomes, hung, []

    def again(self, module, tests):
        self.asked += tests
        found = {test: self.outcomes[test] for test in tests if test in self.outcomes}
        return self.judge.Module(module.name, found, hung=self.hung)


@pytest.mark.parametrize(
    ("second", "hung", "right"),
    [
        ({"test_a": "passed", "test_b": "failed"}, False, True),
        ({"test_a": "failed", "test_b": "failed"}, False, False),
        ({"test_a": "passed", "test_b": "passed"}, False, False),
        ({"test_a": "passed"}, False, False),  # the other one was not found again
        ({"test_a": "passed", "test_b": "failed"}, True, False),
    ],
)
def test_what_differs_is_run_once_more_by_itself(load, monkeypatch, capsys, second, hung, right):
    judge = load("__main__.py")
    monkeypatch.setattr(judge, "expected", lambda profile: {"m.py::test_b": "why"})
    first = {"test_a": "failed", "test_b": "passed", "test_c": "passed"}
    module = judge.Module("m.py", first, {"test_a": "too late"})
    runs = Again(judge, second, hung)
    judge.try_again("19c", [module], runs)
    assert runs.asked == ["test_a", "test_b"]
    assert judge.judge("19c", [module], whole=False) is right
    if right:
        said = capsys.readouterr().out
        assert "unsteady, by itself as on the list: m.py::test_a: too late" in said
        assert "m.py::test_b: passed" in said


def test_more_than_a_few_differences_are_no_accident(load, monkeypatch):
    judge = load("__main__.py")
    monkeypatch.setattr(judge, "expected", lambda profile: {})
    tests = {f"test_{n}": "failed" for n in range(judge.MAX_UNSTEADY + 1)}
    module = judge.Module("m.py", tests, dict.fromkeys(tests, "x"))
    runs = Again(judge, dict.fromkeys(tests, "passed"), hung=False)
    judge.try_again("19c", [module], runs)
    assert not runs.asked
    assert not judge.judge("19c", [module], whole=False)


@pytest.fixture
def runs(load, tmp_path, monkeypatch):
    """A suite of one module in this interpreter, through the process that forks."""
    judge = load("__main__.py")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_m.py").write_text(SUITE)
    monkeypatch.setattr(judge, "CACHE", tmp_path)
    monkeypatch.setattr(judge, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(judge.exclusions, "excluded", lambda module: {"test_left_out": "PL/SQL"})
    monkeypatch.setenv("CONFORMANCE_PRELOAD", "pytest")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    server = SimpleNamespace(profile="19c", port=1, service_name="X", system_password="x")
    with judge.Runs(tmp_path, server) as opened:
        opened.judge = judge
        yield opened


SUITE = """
import os, pytest

def test_good():
    assert os.environ["PYO_TEST_MAIN_USER"] == "pythontest"

@pytest.mark.parametrize("n", [1, 2])
def test_bad(n):
    assert n == 2, "not two"

def test_left_out():
    raise SystemExit
"""


def test_a_module_is_run_and_its_outcomes_are_read(runs):
    module = runs.module("test_m.py")
    assert module.outcomes == {
        "test_good": "passed",
        "test_bad[1]": "failed",
        "test_bad[2]": "passed",
    }
    assert "not two" in module.texts["test_bad[1]"]
    assert (module.excluded_count, module.hung) == (1, False)
    again = runs.again(module, ["test_good", "test_bad[1]"])
    assert again.outcomes == {"test_good": "passed", "test_bad[1]": "failed"}


def test_a_module_that_hangs_is_ended_and_the_next_one_runs(runs, monkeypatch):
    monkeypatch.setattr(runs.judge, "MODULE_TIMEOUT_S", 0)
    assert runs.module("test_m.py").hung
    monkeypatch.setattr(runs.judge, "MODULE_TIMEOUT_S", 300)
    module = runs.module("test_m.py")
    assert (len(module.outcomes), module.hung) == (3, False)


def test_a_test_that_was_begun_and_not_ended_has_failed(load, tmp_path):
    judge = load("__main__.py")
    report = tmp_path / "report.jsonl"
    report.write_text(
        '{"excluded": 2}\n{"collected": ["m.py::test_a", "m.py::test_b"]}\n'
        '{"test": "m.py::test_a", "outcome": "passed", "text": ""}\n'
    )
    module = judge.Module("m.py")
    judge.read_outcomes(module, report)
    assert module.outcomes == {"test_a": "passed", "test_b": "failed"}
    assert module.texts["test_b"] == "it never ended"
    nothing = judge.Module("n.py")
    judge.read_outcomes(nothing, tmp_path / "nothing.jsonl")
    assert nothing.hung
