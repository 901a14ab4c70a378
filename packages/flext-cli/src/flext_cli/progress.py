"""What a run's log lines say about its streams: lines in, figures out. Pure.

Meltano writes one JSON object per line (`--log-format json`); a plugin's event is the first word
of its `event`, the event's fields are keys beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Events that say that something went wrong, and how it is called in the figures.
_RETRIES = frozenset({"RetryScheduled", "BatchRetried"})
#: What Meltano, Python that is, says of a setting that is no number, with its value as a literal.
_NO_NUMBER = re.compile(
    r"""(invalid literal for int\(\) with base \d+: |could not convert string to float: )"""
    r"""(?:'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?)"""
)
_ENDS = {"StreamSynced": "done", "StreamFailed": "failed"}


@dataclass
class Stream:
    """One stream while it runs.

    Attributes:
        extracted: records that the tap has read.
        in_flight: requests of the tap that wait for an answer.
        expected: rows there are to read; None where the WMS was not asked.
        first_s, last_s: when its first and last batch was committed, by the clock of the caller.
        told_s: when the tap first said how far it is, and with how many records.
        ended: "done" or "failed" once the tap is through with it.
    """

    extracted: int = 0
    in_flight: int = 0
    expected: int | None = None
    loaded: int = 0
    changed: int = 0
    rejected: int = 0
    retries: int = 0
    batches: int = 0
    first_s: float | None = None
    last_s: float | None = None
    told_s: tuple[float, int] | None = None
    ended: str | None = None

    @property
    def rate(self) -> float | None:
        """Rows per second from its first batch to its last."""
        if self.first_s is None or self.last_s is None or self.last_s <= self.first_s:
            return None
        return self.loaded / (self.last_s - self.first_s)

    def left_s(self, now_s: float) -> float | None:
        """Seconds until the tap is through, as fast as it was so far; None while nobody can say."""
        if self.ended is not None or self.expected is None or self.told_s is None:
            return None
        began_s, began_at = self.told_s
        read = self.extracted - began_at
        if read <= 0 or now_s <= began_s:
            return None
        return max(0, self.expected - self.extracted) * (now_s - began_s) / read


@dataclass
class Progress:
    """All streams of a run, the last thing that was worse than a hint, and the first error."""

    streams: dict[str, Stream] = field(default_factory=dict)
    trouble: str | None = None
    error: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the run failed, if it did: what tap or target said first, else what was said last.

        One line, without characters that a terminal obeys: the words may be an answer's.
        """
        words = self.error or self.trouble
        return None if words is None else _one_line(words)

    def take(self, line: str, now_s: float) -> None:
        """Take one line of the log; what is no event changes nothing."""
        record = _record(line)
        if record is None:
            return
        event = str(record.get("event") or "").partition(" ")[0]
        level = str(record.get("level")).lower()
        if level in {"warning", "error", "critical"}:
            self.trouble = str(record["event"])
        # Meltano's own errors have no component, and say no more than that a plugin has failed.
        if self.error is None and level in {"error", "critical"} and record.get("component"):
            self.error = _error(record)
        name = record.get("stream") or record.get("stream_name")
        if not isinstance(name, str) or not name:
            return
        self._event(self.streams.setdefault(name, Stream()), event, record, now_s)

    def _event(self, stream: Stream, event: str, record: dict[str, Any], now_s: float) -> None:
        if event == "BatchCommitted":
            stream.batches += 1
            stream.loaded += int(record.get("rows_received", 0))
            stream.changed += int(record.get("rows_inserted", 0))
            stream.changed += int(record.get("rows_updated", 0))
            stream.rejected += int(record.get("rows_rejected", 0))
            stream.first_s = now_s if stream.first_s is None else stream.first_s
            stream.last_s = now_s
        elif event == "ProgressMade":
            stream.extracted = int(record.get("records", 0))
            stream.in_flight = int(record.get("in_flight", 0))
            expected = record.get("expected")
            stream.expected = expected if isinstance(expected, int) else None
            stream.told_s = stream.told_s or (now_s, stream.extracted)
        elif event in _RETRIES:
            stream.retries += 1
        elif event in _ENDS:
            stream.ended, stream.in_flight = _ENDS[event], 0


def masked(line: str) -> str:
    """A line of the log without the value that Meltano shows of a setting which is no number.

    It may be a password in the wrong line of `.env`, and then nobody knows it for one.
    """
    if "invalid literal" not in line and "could not convert" not in line:
        return line
    try:
        return json.dumps(_masked(json.loads(line))) + "\n"
    except ValueError:
        return str(_masked(line))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _NO_NUMBER.sub(r"\1…", value)
    if isinstance(value, list):
        return [_masked(each) for each in value]
    if isinstance(value, dict):
        return {name: _masked(each) for name, each in value.items()}
    return value


def _error(record: Mapping[str, Any]) -> str:
    """An error as one line: of whom, of which stream, and what it says of itself."""
    stream = record.get("stream") or record.get("stream_name")
    of = f"{record['component']}, {stream}" if stream else str(record["component"])
    return f"{of}: {record.get('error') or record.get('reason') or record['event']}"


def _one_line(text: str) -> str:
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "event" in record else None


def refused(rows: int) -> str:
    """What a sentence about a run says of rows that were refused; nothing where none was."""
    return f"; {rows} REFUSED, see `flext rejects list`" if rows else ""
