"""The judge of the driver's own tests: what it excludes, and that it sees what changes."""

import importlib.util
import sys
from pathlib import Path

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
        ({"test_a": "passed", "test_c[1]": "failed"}, {}, True),  # excluded
    ],
)
def test_a_test_that_enters_or_leaves_the_list_fails_the_run(
    load, monkeypatch, capsys, outcomes, listed, right
):
    judge = load("__main__.py")
    monkeypatch.setattr(judge, "expected", lambda profile: listed)
    module = judge.Module("m.py", outcomes, dict.fromkeys(outcomes, "it failed"), {"test_c": "XML"})
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
