"""Lines on stdout: whole, one write per page, a SCHEMA before the record that needs it."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest

from flext_observability.testing import capture_events
from flext_tap_oracle_wms import emit, events, schema
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.errors import RecordError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Bytes(io.BytesIO):
    """Counts writes."""

    writes = 0

    def write(self, data):  # type: ignore[override]  # any buffer
        self.writes += 1
        return super().write(data)


@contextmanager
def captured():
    buffer = Bytes()
    with redirect_stdout(io.TextIOWrapper(buffer, encoding="utf-8")) as wrapper:
        yield buffer
        wrapper.detach()


def emitter(*, open_ended=True, selected=lambda _name: True):
    fields = schema.fields_of("allocation", {"id": {"type": "integer"}, "qty": {"type": "decimal"}})
    return emit.StreamEmitter(
        "allocation",
        emit.Shape(fields, selected, open_ended=open_ended, bookmark_key="mod_ts"),
        output=emit.Output(),
        clock=Clock(),
        run_id="run-1",
    )


def lines(buffer):
    return [json.loads(line) for line in buffer.getvalue().split(b"\n")[:-1]]


def test_a_page_is_one_write():
    with captured() as stdout:
        found = emitter()
        page = msgspec.Raw(json.dumps([{"id": n, "qty": "1.50"} for n in range(500)]).encode())
        assert found.write_page(page, NOW, None) == 500
        assert stdout.writes == 1
        assert len(lines(stdout)) == 500
        assert stdout.getvalue().count(b'"qty":1.50') == 500


def test_an_undescribed_key_is_announced_before_its_record():
    with captured() as stdout:
        found = emitter()
        found.write_schema()
        found.write_page(msgspec.Raw(b'[{"id": 1, "qty": "1"}]'), NOW, None)
        with capture_events() as seen:
            found.write_page(msgspec.Raw(b'[{"id": 2, "qty": "2", "cart_nbr": "C7"}]'), NOW, None)
            found.write_page(msgspec.Raw(b'[{"id": 3, "qty": "3", "cart_nbr": "C8"}]'), NOW, None)
        kinds = [message["type"] for message in lines(stdout)]
        assert kinds == ["SCHEMA", "RECORD", "SCHEMA", "RECORD", "RECORD"]
        first, _, widened, *records = lines(stdout)
        assert "cart_nbr" not in first["schema"]["properties"]
        assert widened["schema"]["properties"]["cart_nbr"]["type"] == ["string", "null"]
        assert widened["flext_run_id"] == "run-1"
        assert [record["record"]["cart_nbr"] for record in records] == ["C7", "C8"]
        (drift,) = [event for event in seen if isinstance(event, events.SchemaDrifted)]
        assert drift.fields == ("cart_nbr",)


def test_nothing_of_a_page_with_a_bad_value_is_written():
    with captured() as stdout:
        with pytest.raises(RecordError):
            emitter().write_page(msgspec.Raw(b'[{"id": 1}, {"id": 2, "qty": "x"}]'), NOW, None)
        assert stdout.getvalue() == b""


def test_every_record_fits_the_schema():
    with captured() as stdout:
        import jsonschema

        found = emitter()
        found.write_schema()
        found.write_page(msgspec.Raw(b'[{"id": 1, "qty": null, "new_flg": true}]'), NOW, None)
        *_, known, record = lines(stdout)
        jsonschema.validate(record["record"], known["schema"])
        assert set(record["record"]) == set(known["schema"]["properties"])


def test_a_stdout_without_a_buffer_is_written_as_text():
    with redirect_stdout(io.StringIO()) as text:
        emit.Output().message({"type": "STATE", "value": {"ü": 1}})
    assert text.getvalue() == '{"type":"STATE","value":{"ü":1}}\n'


def test_a_signal_between_lines_ends_at_once():
    with pytest.raises(emit.Terminated) as raised:
        emit.Output().terminate(15)
    assert raised.value.code == 143


def test_a_signal_within_a_line_waits_for_its_end():
    output = emit.Output()

    class Interrupted(io.BytesIO):
        def write(self, data):  # type: ignore[override]  # any buffer
            output.terminate(15)
            return super().write(data)

    buffer = Interrupted()
    wrapper = io.TextIOWrapper(buffer)
    with redirect_stdout(wrapper), pytest.raises(emit.Terminated):
        output.message({"type": "STATE", "value": 1})
    assert buffer.getvalue() == b'{"type":"STATE","value":1}\n'
    wrapper.detach()


@pytest.mark.parametrize("full_at", [None, 1, 3])
def test_a_write_that_takes_only_a_part_is_gone_on_with(full_at, tmp_path):
    class Part(io.FileIO):
        """What sys.stdout.buffer is with PYTHONUNBUFFERED: it may take less than it is given."""

        calls = 0

        def write(self, data):  # type: ignore[override]  # any buffer
            self.calls += 1
            return None if self.calls == full_at else super().write(data[:7])

    with Part(tmp_path / "out", "w") as part:
        stdout = SimpleNamespace(buffer=part, flush=part.flush)
        with redirect_stdout(stdout):
            emit.Output().message({"type": "STATE", "value": {"ü": 1}})
    assert (tmp_path / "out").read_text("utf-8") == '{"type":"STATE","value":{"ü":1}}\n'
    assert part.calls >= 5
