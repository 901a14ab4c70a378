"""Any bytes of a client: more is wanted, or they are refused, and nothing else happens."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec.buffers import IncompleteError, MalformedError, Reader
from oracle_emulator.engine.interface import TypeCode
from oracle_emulator.ttc.auth import decode_auth
from oracle_emulator.ttc.binds import BindInfo, RowDecoder
from oracle_emulator.ttc.constants import Function
from oracle_emulator.ttc.datatypes import decode_data_types
from oracle_emulator.ttc.directpath import (
    decode_load_operation,
    decode_load_stream,
    decode_prepare,
)
from oracle_emulator.ttc.execute import decode_execute, decode_fetch, decode_reexecute
from oracle_emulator.ttc.fastauth import decode_fast_auth
from oracle_emulator.ttc.header import decode_header
from oracle_emulator.ttc.lob import decode_lob
from oracle_emulator.ttc.piggybacks import decode_piggyback
from oracle_emulator.ttc.protocol import decode_protocol

PIGGYBACKS = [
    Function.CLOSE_CURSORS,
    Function.END_TO_END,
    Function.SET_SCHEMA,
    Function.LOB_OP,
    Function.KEY_VALUES,
    Function.SESSION_STATE,
    Function.PIPELINE_BEGIN,
]
DECODERS = {
    "auth": decode_auth,
    "data types": decode_data_types,
    "execute 13": lambda reader: decode_execute(reader, 13),
    "execute 24": lambda reader: decode_execute(reader, 24),
    "fast auth": decode_fast_auth,
    "fetch": decode_fetch,
    "header": lambda reader: decode_header(reader, 24),
    "lob": decode_lob,
    "load operation": decode_load_operation,
    "load stream": decode_load_stream,
    "prepare": decode_prepare,
    "protocol": decode_protocol,
    "reexecute": decode_reexecute,
} | {
    f"piggyback {function.name}": lambda reader, function=function: decode_piggyback(
        reader, function
    )
    for function in PIGGYBACKS
}
# Mostly small numbers, so that lengths are plausible and more than the first field is reached.
BYTES = st.lists(st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4]) | st.integers(0, 255), max_size=150)
CODES = st.sampled_from([*TypeCode, 3, 109, 114, 127, 250])
INFOS = st.builds(
    BindInfo, CODES, st.sampled_from([22, 4000, 100_000]), st.booleans(), st.booleans()
)


@pytest.mark.parametrize("name", DECODERS)
@given(data=BYTES.map(bytes))
def test_a_request_is_decoded_or_refused(name, data):
    reader = Reader(data)
    with suppress(IncompleteError, MalformedError):
        DECODERS[name](reader)
    assert 0 <= reader.position <= len(data)


@given(st.lists(INFOS, max_size=5), BYTES.map(bytes), st.booleans())
def test_a_row_is_decoded_or_refused(infos, data, plsql):
    with suppress(IncompleteError, MalformedError):
        row = RowDecoder(infos, plsql=plsql).decode(Reader(b"\x07" + data))
        assert len(row) == len(infos)
