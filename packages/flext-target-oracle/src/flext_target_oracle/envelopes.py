"""Lines that differ in their record alone: what is around the record is read once. Pure.

A tap writes hundreds of RECORD messages in a row with the same stream, version and time. Where the
bytes before and behind the record are those of a line that was read before, only the record is
new. It is cut out without being decoded: whether it is JSON shows when its batch is read, and
`Envelope.read` then says that its line is no message. A line that is one never is cut wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from flext_target_oracle import messages
from flext_target_oracle.errors import InputError
from flext_target_oracle.messages import Message
from flext_target_oracle.values import UNREADABLE

_PLACEHOLDER = b'["record"]'
_any_value = msgspec.json.Decoder(msgspec.Raw)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What RECORD lines have in common.

    Attributes:
        head: their bytes before the record.
        tail: those behind it, with the line's end.
    """

    head: bytes
    tail: bytes
    stream: str | None
    version: int | None
    time_extracted: str | None

    @property
    def size_bytes(self) -> int:
        """Of a line without its record."""
        return len(self.head) + len(self.tail)

    def records(self, lines: Sequence[bytes], begin: int) -> list[bytes]:
        """Return what the lines from a position on have in the record's place.

        It ends before the first line that is another one, or that has more there than a record.
        """
        head, tail, least = self.head, self.tail, self.size_bytes
        first, last = len(head), -len(tail)
        found = []
        for position in range(begin, len(lines)):
            line = lines[position]
            if not (line.startswith(head) and line.endswith(tail) and len(line) > least):
                break
            record = line[first:last]
            # One brace that opens and one that closes it leave no room for a member behind.
            is_flat = record.startswith(b"{") and record.find(b"}") == len(record) - 1
            if not is_flat and not _is_value(record):
                break
            found.append(record)
        return found

    def read(self, record: bytes) -> msgspec.Raw:
        """Return the record of a line from which that was cut out.

        Raises:
            InputError: the line is no message.
        """
        return messages.parse(self.head + record + self.tail).record


def envelope_of(message: Message, line: bytes) -> Envelope | None:
    """Return what is around the record of a RECORD line; None where that is not plain.

    Whatever JSON value stands in the record's place, the line is the same message with that
    record: one is put there and found again.
    """
    record = bytes(message.record)
    head, found, tail = line.partition(record)
    if not (found and head and tail):
        return None
    try:
        other = messages.parse(head + _PLACEHOLDER + tail)
    except InputError:
        return None
    if bytes(other.record) != _PLACEHOLDER or _said(other) != _said(message):
        return None
    return Envelope(head, tail, message.stream, message.version, message.time_extracted)


class Recent:
    """The envelope of the lines that came last, once there were two with the same."""

    def __init__(self) -> None:
        self.envelope: Envelope | None = None
        self._before: tuple[object, ...] = ()

    def note(self, message: Message, line: bytes) -> None:
        """Take note of a RECORD line that was read as a whole."""
        said = _said(message)
        # A tap that stamps each record with a time of its own has no two lines that are alike.
        self.envelope = envelope_of(message, line) if said == self._before else None
        self._before = said


def _said(message: Message) -> tuple[object, ...]:
    return message.type, message.stream, message.version, message.time_extracted


def _is_value(text: bytes) -> bool:
    """Whether it is one JSON value and nothing else."""
    try:
        _any_value.decode(text)
    except UNREADABLE:
        return False  # read as a line of its own, which says what is wrong
    return True
