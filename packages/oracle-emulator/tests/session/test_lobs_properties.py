import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.engine.interface import OracleError, OracleType, TypeCode
from oracle_emulator.session.lobs import LobStore

CLOB, BLOB = OracleType(TypeCode.CLOB), OracleType(TypeCode.BLOB)


def known(store, locator):
    try:
        store.get(locator)
    except OracleError:
        return False
    return True


@given(st.lists(st.text(), max_size=5), st.booleans())
def test_what_is_written_piece_by_piece_is_the_value(pieces, blob):
    store = LobStore()
    locator = store.create(blob=blob)
    lob = store.get(locator)
    for piece in pieces:
        lob.write(lob.length() + 1, piece.encode() if blob else piece.encode("utf-16-be"))
    whole = "".join(pieces)
    assert lob.value() == ((whole.encode() if blob else whole) or None)


@given(st.text(), st.integers(1, 30), st.integers(0, 30))
def test_offsets_and_amounts_count_utf16_units(text, offset, amount):
    store = LobStore()
    locator, length = store.locate(text, CLOB)
    units = text.encode("utf-16-be")
    assert length == len(units) // 2
    expected = units[2 * (offset - 1) : 2 * (offset - 1 + amount)]
    assert store.get(locator).read(offset, amount) == expected


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20))
def test_fetched_lobs_stay_within_the_limit_and_the_newest_always_stays(values):
    store = LobStore(fetched_limit_bytes=100)
    locators = [store.locate(value, BLOB)[0] for value in values]
    kept = sum(
        len(value) for locator, value in zip(locators, values, strict=True) if known(store, locator)
    )
    assert kept <= 100
    assert store.get(locators[-1]).value() == values[-1]
    assert [known(store, locator) for locator in locators] == sorted(
        known(store, locator) for locator in locators
    )


def test_temporary_lobs_are_never_given_up():
    store = LobStore(fetched_limit_bytes=10)
    mine = store.create(blob=True)
    store.get(mine).write(1, b"x" * 50)
    for _ in range(5):
        store.locate(b"y" * 9, BLOB)
    assert store.get(mine).value() == b"x" * 50


def test_a_freed_lob_is_unknown():
    store = LobStore()
    locator = store.create(blob=False)
    store.free(locator)
    with pytest.raises(OracleError, match="ORA-22275"):
        store.get(locator)


def test_writing_behind_the_end_fills_the_gap():
    store = LobStore()
    text, raw = store.get(store.create(blob=False)), store.get(store.create(blob=True))
    text.write(3, "x".encode("utf-16-be"))
    raw.write(3, b"x")
    assert (text.value(), raw.value()) == ("  x", b"\0\0x")


def test_trimming_to_more_than_there_is_fails():
    store = LobStore()
    lob = store.get(store.create(blob=True))
    lob.write(1, b"abc")
    lob.trim(2)
    assert lob.value() == b"ab"
    with pytest.raises(OracleError, match="ORA-22926"):
        lob.trim(3)
