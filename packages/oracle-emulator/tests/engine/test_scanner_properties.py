"""The scanner: total, faithful to the text, and agreed on what a placeholder is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.engine import scanner
from oracle_emulator.engine.interface import Kind
from oracle_emulator.engine.scanner import Lexeme

FRAGMENTS = st.sampled_from(
    ["'", '"', "--", "\n", "/*", "*/", "q'[", "]'", ":", ":=", "::", ":a", ":1", ' "x"', "a$#"]
) | st.sampled_from(["SELECT ", "1.5e3", "..", "RETURNING ", "INTO ", "(", ",", "N'", "\0", ";"])
QUIET = st.text(st.characters(exclude_characters="'", codec="utf-8"), max_size=8)


@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=4)), max_size=25).map("".join))
def test_any_text_is_scanned(text: str) -> None:
    found = scanner.tokens(text)
    position = 0
    for token in found:
        assert position <= token.start < token.end <= len(text)
        position = token.end
    statement = scanner.scan(text)
    assert 0 <= statement.returning <= len(statement.binds)
    assert statement.text == text


@given(st.lists(st.sampled_from(["a", "B1", "9", '"q q"', "é_$#"]), min_size=1, max_size=6), QUIET)
def test_placeholders_are_found_and_only_they(names: list[str], noise: str) -> None:
    text = "SELECT " + ", ".join(f":{name} || ':no' /* :no */" for name in names)
    text += f" FROM \"T:no\" WHERE x = '{noise}' AND y = q'<:no {noise}>' -- :no"
    shown = tuple(name[1:-1] if name.startswith('"') else name.upper() for name in names)
    assert scanner.scan(text).binds == shown


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=6))
def test_plsql_names_each_placeholder_once(names: list[str]) -> None:
    text = "BEGIN " + " ".join(f"x := :{name};" for name in names) + " END;"
    statement = scanner.scan(text)
    assert statement.kind is Kind.PLSQL
    assert statement.binds == tuple(dict.fromkeys(name.upper() for name in names))


@given(st.integers(0, 5), st.integers(0, 5))
def test_returning_binds_come_last(given_in: int, given_out: int) -> None:
    values = ", ".join(f":{i}" for i in range(given_in)) or "1"
    text = f"INSERT INTO t VALUES ({values})"
    if given_out:
        outs = ", ".join(f":r{i}" for i in range(given_out))
        text += f" RETURNING {', '.join(['a'] * given_out)} INTO {outs}"
    statement = scanner.scan(text)
    assert (len(statement.binds), statement.returning) == (given_in + given_out, given_out)


@given(st.lists(st.one_of(FRAGMENTS, QUIET), max_size=20).map("".join))
def test_renumbering_changes_placeholders_only(text: str) -> None:
    found = scanner.tokens(text)
    renumbered = scanner.tokens(scanner.numbered(text, found))
    binds = [token for token in found if token.lexeme is Lexeme.BIND]
    others = [token.value for token in found if token.lexeme is not Lexeme.BIND]
    assert [t.value for t in renumbered if t.lexeme is Lexeme.BIND] == [
        f"B{i}" for i in range(len(binds))
    ]
    assert [t.value for t in renumbered if t.lexeme is not Lexeme.BIND] == others


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/* c */ select 1 from dual", Kind.QUERY),
        ("(SELECT 1 FROM DUAL)", Kind.QUERY),
        ("with x as (select 1 from dual) select * from x", Kind.QUERY),
        ("merge into t using u on (1=1) when matched then update set a=1", Kind.DML),
        ("create table t (a number)", Kind.DDL),
        ("alter session set x=1", Kind.OTHER),
        ("commit", Kind.OTHER),
        ("begin null; end;", Kind.PLSQL),
        ("<<l>> begin null; end;", Kind.PLSQL),
        ("create trigger x before insert on t begin :new.a := 1; end;", Kind.DDL),
    ],
)
def test_kinds(text: str, kind: Kind) -> None:
    statement = scanner.scan(text)
    assert statement.kind is kind
    if kind is Kind.DDL:
        assert statement.binds == ()
