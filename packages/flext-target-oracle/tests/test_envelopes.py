"""Lines that are alike: what is cut out of them is what reading each of them as a whole gives."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle import messages
from flext_target_oracle.envelopes import Envelope, Recent, envelope_of
from flext_target_oracle.errors import InputError
from flext_target_oracle.messages import Message
from flext_target_oracle.rows import Cut, RawBatch, RowReader
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.plan import StreamSchema
from flext_target_oracle.values import Rules

NOW = datetime(2026, 1, 1)  # noqa: DTZ001 -- naive UTC on purpose
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
RECORDS = st.dictionaries(st.sampled_from(["id", "record", "n"]), SCALARS, max_size=3)
MEMBERS = st.permutations(["type", "stream", "record", "time_extracted", "version", "other"])
#: What a line may become on its way: nothing, a lost end, a piece in its middle, a member more.
BREAKS = st.sampled_from(["", "", "", "}", "{", '"', ',"record":{}', ',"version":9', "\x01", "0"])


def line_of(names: list[str], record: Any) -> bytes:
    values = {"type": "RECORD", "stream": "s", "record": record, "version": 3,
              "time_extracted": "2026-01-01T00:00:00Z", "other": {"record": record}}  # fmt: skip
    return json.dumps({name: values[name] for name in names}).encode() + b"\n"


def said(message: Message) -> tuple[Any, ...]:
    return message.type, message.stream, message.version, message.time_extracted


@given(MEMBERS, RECORDS, RECORDS, BREAKS, st.data())
def test_a_record_cut_out_is_the_record_of_its_line(
    names: list[str], first: Any, second: Any, piece: str, data: st.DataObject
) -> None:
    whole = line_of(names, first)
    envelope = envelope_of(messages.parse(whole), whole)
    if envelope is None:
        return
    text = line_of(names, second).decode()
    place = data.draw(st.integers(0, len(text) - 2))
    line = (text[:place] + piece + text[place:]).encode()
    for record in envelope.records([line], 0):
        try:
            message = messages.parse(line)
        except InputError:
            with pytest.raises(InputError):
                envelope.read(record)
            continue
        assert said(message) == said(messages.parse(whole))
        assert bytes(envelope.read(record)) == bytes(message.record)


def test_what_only_looks_like_the_record_is_not_taken_for_it() -> None:
    line = b'{"type":"RECORD","stream":"s","other":{"id":1},"record":{"id":1}}\n'
    assert envelope_of(messages.parse(line), line) is None


@pytest.mark.parametrize("record", ['{"id":1}', '{"id":{"n":[{}]}}', '{"id":"}"}', "{}", "null"])
@pytest.mark.parametrize(
    "more", ['"version":9', ' "time_extracted":"2026-01-01"', '"version":9,"x":{}', '"x":{}']
)
def test_a_line_that_says_more_behind_its_record_is_another_one(record: str, more: str) -> None:
    line = b'{"type":"RECORD","stream":"s","record":{"id":1}}\n'
    envelope = envelope_of(messages.parse(line), line)
    assert envelope is not None
    alike, other = line.replace(b'{"id":1}', record.encode()), f"{record},{more}".encode()
    assert envelope.records([alike, line.replace(b'{"id":1}', other), alike], 0) == [
        record.encode()
    ]


def test_a_time_that_comes_later_is_that_of_its_record(target: Any) -> None:
    records = [{"type": "RECORD", "stream": "s", "record": {"id": key}} for key in range(6)]
    records[3]["time_extracted"] = records[4]["time_extracted"] = "2026-01-01T00:00:00Z"
    schema = {
        "type": "SCHEMA",
        "stream": "s",
        "schema": {"properties": {"id": {"type": "integer"}}},
    }
    target.ok([schema | {"key_properties": ["id"]}, *records])
    found = target.table("S", "ID", "_SDC_EXTRACTED_AT")
    assert [key for key, at in found if at == NOW] == [3, 4]
    assert [key for key, _ in found] == list(range(6))


@given(MEMBERS, RECORDS, RECORDS)
def test_lines_that_differ_in_their_records_alone_are_alike(
    names: list[str], first: Any, second: Any
) -> None:
    names = [name for name in names if name != "other"]
    whole, other = line_of(names, first), line_of(names, second)
    envelope = envelope_of(messages.parse(whole), whole)
    assert envelope is not None
    assert envelope.records([other, whole, b"\n", other], 0) == [
        json.dumps(each).encode() for each in (second, first)
    ]


def test_the_second_line_of_a_kind_gives_the_envelope_and_another_kind_takes_it_away() -> None:
    recent = Recent()
    line = b'{"type":"RECORD","stream":"%s","record":{"id":1}}\n'
    one, other = line % b"a", line % b"b"
    found = []
    for line in (one, one, other, other, one):
        recent.note(messages.parse(line), line)
        found.append(recent.envelope and recent.envelope.stream)
    assert found == [None, "a", None, "b", None]


def plan() -> plans.TablePlan:
    properties = {"id": {"type": "integer"}, "note": {"type": "string"}, "q": {"type": "number"}}
    source = StreamSchema("s", {"properties": properties}, ("id",))
    return plans.wanted(source, schema="OIC", table="T", append=False, metadata=True)


PIECES = st.sampled_from(
    ['{"id":1', '{"id":2,"note":"x"}', ',"note":"y"}', "}", "{", '"q":1.5', ",", '"q":', " "]
) | st.sampled_from(
    ['"note":"\x01"', '{"id":"7"}', "NaN", '{"id":3}', '"a":1}', '"\\ud800"', "01", "null"]
)


@given(st.lists(PIECES, min_size=1, max_size=5).map("".join), st.integers(0, 3))
def test_what_the_typed_reading_takes_is_a_line_that_is_a_message(text: str, place: int) -> None:
    head, tail = b'{"type":"RECORD","stream":"s","record":', b"}\n"
    envelope = Envelope(head, tail, "s", None, None)
    records = [b'{"id":4}'] * 4
    records[place] = text.encode()
    batch = RawBatch(records, [None] * 4, [NOW] * 4, NOW, None, [Cut(0, 4, 10, envelope)])
    reader = RowReader(plan(), Rules(), to_clob=True)
    try:
        read = [bytes(messages.parse(head + record + tail).record) for record in records]
    except InputError:
        with pytest.raises(InputError) as caught:
            reader.read(batch)
        assert caught.value.line == 10 + place
    else:
        assert reader.read(batch) == reader._exact(RawBatch(read, [None] * 4, [NOW] * 4, NOW))


def test_a_broken_line_among_alike_ones_ends_the_run_and_is_named(target: Any) -> None:
    lines = [
        '{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":["id"]}',
        *(f'{{"type":"RECORD","stream":"s","record":{{"id":{key}}}}}' for key in range(1, 7)),
        '{"type":"STATE","value":{"bookmarks":{"s":6}}}',
    ]
    lines[5] = lines[5].replace('"id":5', '"id":5,')
    outcome = target.run_source(io.StringIO("\n".join(lines) + "\n"), batch_size=2)
    assert isinstance(outcome.error, InputError)
    assert "line 6 of the input" in str(outcome.error)
    assert "no Singer message" in str(outcome.error)
    assert outcome.states == []
    assert target.table("S", "ID") in ([], [(1,), (2,)], [(1,), (2,), (3,), (4,)])
