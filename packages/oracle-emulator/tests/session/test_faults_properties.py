"""How faults are said and counted; what they do to a client is in tests/test_faults.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.engine.interface import Kind
from oracle_emulator.session.faults import (
    CONNECTING,
    Fault,
    FaultKind,
    Faults,
    InvalidFaultError,
    Moment,
    Target,
    of_call,
    of_statement,
    parse,
    parse_option,
)

COMMIT = of_call("COMMIT", Target.COMMIT)


@given(at=st.integers(1, 20), times=st.integers(0, 5), calls=st.integers(0, 40))
def test_a_fault_strikes_from_its_number_on_as_often_as_it_says(at, times, calls):
    faults = Faults([Fault(FaultKind.DROP, on=Target.COMMIT, at=at, times=times)])
    struck = [n for n in range(1, calls + 1) if faults.due(COMMIT) is not None]
    last = at + times if times else calls + 1
    assert struck == [n for n in range(1, calls + 1) if at <= n < last]
    (seen,) = faults.snapshot()
    assert (seen["seen"], seen["struck"]) == (calls, len(struck))


def test_only_what_is_concerned_is_counted():
    faults = Faults([parse({"fault": "error", "code": 600, "on": "dml", "statement": "into t2"})])
    for text in ("insert into t1 values (1)", "select * from t2"):
        kind = Kind.DML if text.startswith("insert") else Kind.QUERY
        assert faults.due(of_statement(kind, text, commits=False)) is None
    assert faults.due(of_statement(Kind.DML, "INSERT INTO T2 values (1)", commits=False))


@pytest.mark.parametrize(
    ("kind", "text", "commits", "is_commit"),
    [
        (Kind.OTHER, "commit", False, True),
        (Kind.OTHER, "rollback", False, False),
        (Kind.DDL, "create table t (n number)", False, True),
        (Kind.DML, "delete from t", False, False),
        (Kind.DML, "delete from t", True, True),
    ],
)
def test_a_commit_is_known_however_it_is_asked_for(kind, text, commits, is_commit):
    assert (Target.COMMIT in of_statement(kind, text, commits=commits).targets) is is_commit


def test_the_form_of_the_command_line():
    fault = parse_option("drop:on=commit,moment=during,at=3,seconds=0.5,statement=a,b=c")
    assert fault == Fault(
        FaultKind.DROP, Target.COMMIT, 3, 1, Moment.DURING, 0.5, statement="a,b=c"
    )
    assert parse_option("refuse").on is Target.CONNECT
    assert parse_option("tablespace-full").on is Target.DML
    assert parse_option("ddl-locked:times=0").on is Target.DDL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drip", "faults are drop, delay"),
        ("drop:att=3", "no att"),
        ("drop:at", "no key=value"),
        ("drop:at=0", "from 1"),
        ("drop:at=x", "invalid literal"),
        ("drop:seconds=-1", "0 to 3600"),
        ("error", "needs a code"),
        ("error:code=70000", "between 1 and 65535"),
        ("drop:on=connect", "concerns connect"),
        ("refuse:on=any", "concerns connect"),
        ("drop:statement=(", "faults are"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(text, said):
    with pytest.raises(InvalidFaultError, match=said):
        parse_option(text)


def test_connections_are_no_calls():
    faults = Faults([Fault(FaultKind.DROP), parse({"fault": "refuse"})])
    assert faults.due(CONNECTING).fault is FaultKind.REFUSE
    assert [entry["seen"] for entry in faults.snapshot()] == [0, 1]
    faults.clear()
    assert faults.due(COMMIT) is None
