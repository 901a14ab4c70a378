"""Halves of characters: found as Python's own reader finds them; such a record is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle import messages, surrogates
from flext_target_oracle.errors import InputError

#: Texts with halves, pairs, backslashes and what looks like an escape, and is none.
PIECES = st.lists(
    st.sampled_from(["\ud800", "\udbff", "\udc00", "\udfff", "\\", "u", "d800", '"', "x", "😀"])
)


@given(PIECES)
def test_halves_are_found_and_nothing_else(pieces: list[str]) -> None:
    text = json.loads(json.dumps("".join(pieces)))  # where pieces make a pair, it is one character
    raw = json.dumps(text).encode()
    halves = sum("\ud800" <= char <= "\udfff" for char in text)
    blotted, places = surrogates.blotted(raw)
    assert len(blotted) == len(raw)
    assert len(places) == halves
    assert surrogates.has_half(raw) == bool(halves)
    assert json.loads(blotted) == "".join(
        "\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text
    )


def test_a_record_keeps_its_half() -> None:
    line = b'{"type":"RECORD","stream":"s","record":{"note":"\\ud800 \\ud83d\\ude00"},"version":3}'
    message = messages.parse(line)
    assert (message.stream, message.version) == ("s", 3)
    assert bytes(message.record) == b'{"note":"\\ud800 \\ud83d\\ude00"}'


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"RECORD","stream":"\\ud800","record":{}}',
        b'{"type":"STATE","value":{"a":"\\udc00"}}',
        # The record would be found in the other member, where it is without its half.
        b'{"type":"RECORD","stream":"s","value":{"a":"\\ufffd"},"record":{"a":"\\ud800"}}',
    ],
)
def test_elsewhere_it_ends_the_run(line: bytes) -> None:
    with pytest.raises(InputError, match="half a character"):
        messages.parse(line)


@pytest.mark.parametrize("batch_size", [1, 10])
def test_the_record_is_refused_by_its_key_and_the_others_are_loaded(
    target: Any, batch_size: int
) -> None:
    schema = {
        "type": "SCHEMA", "stream": "s", "key_properties": ["id"],
        "schema": {"properties": {"id": {"type": "integer"}, "note": {"type": "string"}}},
    }  # fmt: skip
    records = [{"id": key, "note": "\ud800" if key == 6 else "😀"} for key in range(10)]
    lines = [schema, *({"type": "RECORD", "stream": "s", "record": each} for each in records)]
    outcome = target.run(lines, batch_size=batch_size)
    assert '{"id":6}' in str(outcome.error)
    assert "half a character" in str(outcome.error)
    outcome = target.ok(lines, batch_size=batch_size, max_rejects=1)
    assert [key for (key,) in target.table("S", "ID")] == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    ((raw,),) = target.account.rows('SELECT "RECORD" FROM "FLEXT_REJECTS"')
    assert raw == '{"id": 6, "note": "\\ud800"}'
