"""The input: the same lines however they are cut, and a tick when nothing comes."""

from __future__ import annotations

import io
import os
import threading
from contextlib import nullcontext

from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.lines import chunks


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    text = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as sink:
            for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
                sink.write(text[begin:end])

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb", buffering=0) as source:
        found = [line for chunk in chunks(source, tick_s=5, waiting=nullcontext) for line in chunk]
    writer.join()
    assert found == io.BytesIO(text).readlines()


def test_a_silent_input_ticks() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as source, os.fdopen(writing, "wb") as sink:
        found = chunks(source, tick_s=0.01, waiting=nullcontext)
        assert next(found) == []
        sink.write(b"x\n")
        sink.flush()
        assert next(chunk for chunk in found if chunk) == [b"x\n"]


def test_text_in_memory_is_read_too() -> None:
    found = chunks(io.StringIO("é\n\nb"), tick_s=1, waiting=nullcontext)
    assert [line for chunk in found for line in chunk] == ["é\n".encode(), b"\n", b"b"]
