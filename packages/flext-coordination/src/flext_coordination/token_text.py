r"""The text of the `.token` file: records to text and back, pure.

One block of KEY=VALUE lines per scope, blocks apart by empty lines, lines that begin with # are
for people. A value stands as it is, except that a backslash, control characters, line ends of any
kind, and blanks at its ends are written as \uXXXX, so that every value fits on one line.
Parsing is total: any text gives records, or a TokenFileError that names the line and the remedy.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flext_coordination.errors import TokenFileError
from flext_coordination.records import MAX_EVENTS, MAX_VALUE_CHARS, LeaseRecord, State, TokenEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = (
    "# Runs of this FLEXT workspace, one block per scope. FLEXT keeps this file; deleting it\n"
    "# while nothing runs is safe, the fence that counts is in the database.\n"
)
REMEDY = "mend that line, or delete the file while no run is at work (nothing is lost with it)"

_KEYS = (
    "SCOPE", "STATE", "OWNER", "RUN_ID", "HOST", "PID", "PROCESS_STARTED_AT", "PROCESS_KEY",
    "LEASE_ID", "LINEAGE", "FENCE", "ACQUIRED_AT", "EXPIRES_AT",
)  # fmt: skip
_EVENT_KEY = re.compile(r"EVENT_([1-9][0-9]?)")
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|^\s|\s$")
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4}))?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")


def format_records(records: Iterable[LeaseRecord]) -> str:
    """Return the file's text; scopes are sorted, so that equal records give equal text.

    Raises:
        ValueError: a value is empty or longer than MAX_VALUE_CHARS, or has no time zone.
    """
    blocks = [_format_record(record) for record in sorted(records, key=lambda r: r.scope)]
    return "\n".join([HEADER, *blocks])


def _format_record(record: LeaseRecord) -> str:
    values = {
        "SCOPE": record.scope,
        "STATE": record.state,
        "OWNER": record.owner,
        "RUN_ID": record.run_id,
        "HOST": record.host,
        "PID": str(record.pid),
        "PROCESS_STARTED_AT": _format_time(record.process_started_at),
        "PROCESS_KEY": record.process_key,
        "LEASE_ID": record.lease_id,
        "LINEAGE": record.lineage,
        "FENCE": "" if record.fence is None else str(record.fence),
        "ACQUIRED_AT": _format_time(record.acquired_at),
        "EXPIRES_AT": _format_time(record.expires_at),
    }
    for number, event in enumerate(record.events[-MAX_EVENTS:], start=1):
        values[f"EVENT_{number}"] = f"{_format_time(event.at)} {event.text}"
    lines = []
    for key, value in values.items():
        if not value and key != "FENCE":
            raise ValueError(f"{key} of a lease is empty")
        if len(value) > MAX_VALUE_CHARS:
            raise ValueError(f"{key} of a lease is longer than {MAX_VALUE_CHARS} characters")
        lines.append(f"{key}={_UNSAFE.sub(_escape, value)}\n")
    return "".join(lines)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _format_time(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a time of a lease has no time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_records(text: str) -> list[LeaseRecord]:
    """Return the records of a file's text.

    Raises:
        TokenFileError: a line is not what the file may hold; it names the line and the remedy.
    """
    records: list[LeaseRecord] = []
    first_lines: dict[str, int] = {}
    for block in _blocks(text):
        record = _parse_block(block)
        line = block["SCOPE"][0]
        if record.scope in first_lines:
            raise _refusal(
                line, f"the scope is in the file already, at line {first_lines[record.scope]}"
            )
        first_lines[record.scope] = line
        records.append(record)
    return records


_Block = dict[str, tuple[int, str]]


def _blocks(text: str) -> Iterable[_Block]:
    """Yield each block's values and their line numbers, by key."""
    block: _Block = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line:
            if block:
                yield block
            block = {}
            continue
        if line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        key = key.strip()
        if not equals:
            raise _refusal(number, "this is not KEY=VALUE")
        if key not in _KEYS and not _EVENT_KEY.fullmatch(key):
            raise _refusal(number, f"the key {key[:40]!r} is unknown")
        if key in block:
            raise _refusal(number, f"{key} stands twice in its block")
        block[key] = (number, _unescape(value.strip(), number))
    if block:
        yield block


def _unescape(value: str, line: int) -> str:
    def char(match: re.Match[str]) -> str:
        if match[1] is None:
            raise _refusal(line, "a backslash stands without uXXXX")
        return chr(int(match[1], 16))

    unescaped = _ESCAPE.sub(char, value)
    if len(unescaped) > MAX_VALUE_CHARS:
        raise _refusal(line, f"the value is longer than {MAX_VALUE_CHARS} characters")
    return unescaped


def _parse_block(block: _Block) -> LeaseRecord:
    first_line = min(line for line, _ in block.values())
    if "LINEAGE" not in block and "LEASE_ID" in block:  # a file of the time before there was one
        block["LINEAGE"] = block["LEASE_ID"]
    for key in _KEYS:
        if key not in block:
            raise _refusal(first_line, f"the block that begins here has no {key}")
        if not block[key][1] and key != "FENCE":
            raise _refusal(block[key][0], f"{key} is empty")
    return LeaseRecord(
        scope=block["SCOPE"][1],
        state=_parse_state(block),
        owner=block["OWNER"][1],
        run_id=block["RUN_ID"][1],
        host=block["HOST"][1],
        pid=_parse_whole(block, "PID"),
        process_started_at=_parse_time(block, "PROCESS_STARTED_AT"),
        process_key=block["PROCESS_KEY"][1],
        lease_id=block["LEASE_ID"][1],
        lineage=block["LINEAGE"][1],
        fence=_parse_whole(block, "FENCE") if block["FENCE"][1] else None,
        acquired_at=_parse_time(block, "ACQUIRED_AT"),
        expires_at=_parse_time(block, "EXPIRES_AT"),
        events=_parse_events(block),
    )


def _parse_state(block: _Block) -> State:
    line, value = block["STATE"]
    if value == "held":
        return "held"
    if value == "released":
        return "released"
    raise _refusal(line, "STATE is neither held nor released")


def _parse_whole(block: _Block, key: str) -> int:
    line, value = block[key]
    if not _WHOLE_NUMBER.fullmatch(value):
        raise _refusal(line, f"{key} is not a whole number")
    return int(value)


def _parse_time(block: _Block, key: str) -> datetime:
    line, value = block[key]
    return _time(value, line, key)


def _time(value: str, line: int, key: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(value)
        in_utc = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refusal(line, f"{key} is not a time such as 2026-01-31T08:00:00Z") from None
    if parsed.tzinfo is None:
        raise _refusal(line, f"{key} has no time zone, as the Z of 2026-01-31T08:00:00Z")
    return in_utc


def _parse_events(block: _Block) -> tuple[TokenEvent, ...]:
    events = []
    numbered = sorted((int(match[1]), key) for key in block if (match := _EVENT_KEY.fullmatch(key)))
    for _, key in numbered[-MAX_EVENTS:]:
        line, value = block[key]
        at, blank, text = value.partition(" ")
        if not blank or not text:
            raise _refusal(line, f"{key} is not a time and a text")
        events.append(TokenEvent(_time(at, line, key), text))
    return tuple(events)


def _refusal(line: int, what: str) -> TokenFileError:
    return TokenFileError(what, REMEDY, line=line)
