"""The file's text: what is written is read back, and any text is understood or refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_coordination.errors import TokenFileError
from flext_coordination.records import MAX_EVENTS, MAX_VALUE_CHARS, LeaseRecord, TokenEvent
from flext_coordination.token_text import format_records, parse_records

# Surrogates too: a broken host name or scope must not make a file that cannot be written.
VALUES = st.text(st.characters(), min_size=1, max_size=60)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- the zone is given beside it
RECORDS = st.builds(
    LeaseRecord,
    scope=VALUES,
    state=st.sampled_from(["held", "released"]),
    owner=VALUES,
    run_id=VALUES,
    host=VALUES,
    pid=st.integers(0, 10**18 - 1),
    process_started_at=TIMES,
    process_key=VALUES,
    lease_id=VALUES,
    lineage=VALUES,
    fence=st.none() | st.integers(0, 10**18 - 1),
    acquired_at=TIMES,
    expires_at=TIMES,
    events=st.lists(st.builds(TokenEvent, TIMES, VALUES), max_size=MAX_EVENTS).map(tuple),
)
FILES = st.lists(RECORDS, max_size=4, unique_by=lambda record: record.scope)
KEYS = st.sampled_from(["SCOPE", "STATE", "PID", "FENCE", "EVENT_1", "EXPIRES_AT", "scope", "X"])
LINES = st.one_of(
    st.text(max_size=20),
    st.tuples(KEYS, st.text(max_size=10)).map("=".join),
    st.sampled_from(["", "#", "STATE=held", "PID=\\u00", "FENCE=-1", "PID=٣"]),
)


@given(FILES)
def test_what_is_written_is_read_back(records: list[LeaseRecord]) -> None:
    text = format_records(records)
    assert parse_records(text) == sorted(records, key=lambda record: record.scope)


@given(FILES)
def test_the_text_is_utf8_and_windows_line_ends_change_nothing(records: list[LeaseRecord]) -> None:
    text = format_records(records).encode("utf-8").decode("utf-8")
    assert parse_records(text.replace("\n", "\r\n")) == parse_records(text)
    assert text.splitlines() == text.removesuffix("\n").split("\n")


def refusal_of(text: str) -> TokenFileError | None:
    try:
        parse_records(text)
    except TokenFileError as error:
        return error
    return None


@given(st.text() | st.lists(LINES, max_size=20).map("\n".join))
def test_any_text_gives_records_or_one_clear_refusal(text: str) -> None:
    if error := refusal_of(text):
        assert error.line is not None
        assert 1 <= error.line <= text.count("\n") + 1
        assert "delete the file" in str(error)
    else:
        records = parse_records(text)
        assert parse_records(format_records(records)) == sorted(records, key=lambda r: r.scope)


@given(RECORDS, st.data())
def test_a_file_with_a_line_changed_is_read_or_refused_at_that_line_or_block(
    record: LeaseRecord, data: st.DataObject
) -> None:
    lines = format_records([record]).split("\n")
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number] = data.draw(LINES)
    if error := refusal_of("\n".join(lines)):
        assert error.line is not None
    else:
        assert len(parse_records("\n".join(lines))) <= 2


@given(RECORDS)
def test_each_missing_line_but_an_event_is_noticed(record: LeaseRecord) -> None:
    lines = format_records([record]).split("\n")
    for number, line in enumerate(lines):
        if not line or line.startswith(("#", "EVENT_", "LINEAGE=")):
            continue
        with pytest.raises(TokenFileError, match=f"has no {line.partition('=')[0]}"):
            parse_records("\n".join(lines[:number] + lines[number + 1 :]))


def one_record(**changes: object) -> LeaseRecord:
    at = datetime(2026, 1, 31, 8, tzinfo=UTC)
    values: dict[str, object] = {
        "scope": "s", "state": "held", "owner": "o", "run_id": "r", "host": "h", "pid": 1,
        "process_started_at": at, "process_key": "k", "lease_id": "l", "lineage": "n",
        "fence": None,
        "acquired_at": at, "expires_at": at, "events": (TokenEvent(at, "acquired"),),
    }  # fmt: skip
    return LeaseRecord(**(values | changes))  # type: ignore[arg-type]  # values by name, of many types


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("STATE=held", "STATE=busy", "STATE is neither held nor released"),
        ("PID=1", "PID=one", "PID is not a whole number"),
        ("PID=1", "PID=1\nPID=2", "PID stands twice"),
        ("FENCE=", "FENCE=-3", "FENCE is not a whole number"),
        ("HOST=h", "HOST=", "HOST is empty"),
        ("HOST=h", "HOST=a\\b", "a backslash stands without uXXXX"),
        ("HOST=h", "HOST=" + "x" * (MAX_VALUE_CHARS + 1), "longer than 400 characters"),
        ("HOST=h", "HOST", "this is not KEY=VALUE"),
        ("HOST=h", "HOST=h\nCOLOUR=red", "the key 'COLOUR' is unknown"),
        ("EXPIRES_AT=2026-01-31T08:00:00.000000Z", "EXPIRES_AT=soon", "EXPIRES_AT is not a time"),
        ("EXPIRES_AT=2026-01-31T08:00:00.000000Z", "EXPIRES_AT=2026-01-31", "has no time zone"),
        ("00Z acquired", "00Z ", "EVENT_1 is not a time and a text"),
    ],
)
def test_each_fault_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    text = format_records([one_record()])
    assert old in text
    changed = text.replace(old, new, 1)
    with pytest.raises(TokenFileError, match=said) as caught:
        parse_records(changed)
    # The second line of those that put two in the place of one.
    faulty = text[: text.index(old)].count("\n") + 1 + new.count("\n")
    assert caught.value.line == faulty


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_line_end_of_any_kind_breaks_a_value_in_an_editor(end: str) -> None:
    record = one_record(owner=f"a{end}b")
    text = format_records([record])
    assert "OWNER=a\\u" in text
    assert text.splitlines() == text.removesuffix("\n").split("\n")
    assert parse_records(text) == [record]


def test_a_scope_that_stands_twice_is_refused_with_both_lines() -> None:
    text = format_records([one_record()])
    with pytest.raises(TokenFileError, match=r"line 19: .* already, at line 4"):
        parse_records(text + "\n" + text.partition("\n\n")[2])


@pytest.mark.parametrize(
    "changes",
    [{"scope": ""}, {"owner": "x" * 401}, {"expires_at": datetime(2026, 1, 1)}],  # noqa: DTZ001 -- the fault under test
)
def test_what_could_not_be_read_back_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="of a lease"):
        format_records([one_record(**changes)])


def test_a_file_of_the_time_before_lineages_is_read() -> None:
    lines = format_records([one_record(lease_id="old")]).split("\n")
    kept = [line for line in lines if not line.startswith("LINEAGE=")]
    assert [record.lineage for record in parse_records("\n".join(kept))] == ["old"]
