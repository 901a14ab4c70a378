"""Raw records of one stream become rows of binds, or refusals with the reason.

A batch takes the fast path (one typed decoder for all its records, columns converted in bulk) when
all of it is ordinary; else each value is judged by itself. Both give the same rows. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from flext_target_oracle import clock, digests, surrogates, values
from flext_target_oracle.envelopes import Envelope
from flext_target_oracle.errors import InputError
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.plan import EXTRACTED_AT, Column, TablePlan
from flext_target_oracle.sql.types import Shape
from flext_target_oracle.values import OverflowedError, Rules, UnfitError, UnusualError

#: A longer record is refused, so that memory has a bound.
MAX_RECORD_BYTES = 5 * 1024 * 1024
_NULL = msgspec.Raw(b"null")
_METADATA_PROPS = ("_sdc_extracted_at", "_sdc_batched_at", "_sdc_received_at")
_OURS = frozenset({*_METADATA_PROPS, "_sdc_sequence", "_sdc_table_version"})
#: So many records are read at once: what they become still is in the processor's cache when it is
#: taken up again, which is worth a sixth of the reading.
_SLICE_ROWS = 250
#: A longer integer is judged by itself.
_INT64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_FIELD_TYPES: dict[Shape, Any] = {
    Shape.INTEGER: _INT64 | None,
    Shape.NUMBER: msgspec.Raw,
    Shape.BOOLEAN: bool | None,
    Shape.TEXT: str | None,
    Shape.TIME: str | None,
    Shape.DATE: date | None,
    Shape.TIMESTAMP: str | None,
    Shape.JSON: msgspec.Raw,
}


@dataclass(frozen=True, slots=True)
class Reject:
    """A refused row.

    Attributes:
        column: the first one at fault; empty where the record as a whole is.
        key: the row's key properties and values as JSON text, as far as they can be read.
        record: the raw record.
        extracted_at: when, in UTC without a zone; None where that could not be read.
    """

    stream: str
    column: str
    code: str
    message: str
    key: str
    record: str
    extracted_at: datetime | None


@dataclass(slots=True)
class Rows:
    """What a batch became.

    Attributes:
        rows: binds in the order of `statements.staged`.
        overflowing: columns whose texts need a CLOB; while there are any, `rows` is not complete.
        undeclared: properties of records that the schema does not know; they are not loaded.
    """

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    overflowing: set[str] = field(default_factory=set)
    undeclared: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Cut:
    """Records that were cut out of lines, and so far not read.

    Attributes:
        at: the position of the first one in its batch.
        count: how many they are.
        line: the number of the first one's line.
    """

    at: int
    count: int
    line: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Records of one version as they came, each with its `time_extracted`."""

    records: Sequence[bytes]
    extracted: Sequence[str | None]
    received: Sequence[datetime]
    batched_at: datetime
    version: int | None = None
    cuts: Sequence[Cut] = ()

    def checked(self) -> RawBatch:
        """Return the batch with the records that were cut out read from their lines.

        Raises:
            InputError: a line is no message.
        """
        records = list(self.records)
        for cut in self.cuts:
            for place in range(cut.count):
                try:
                    records[cut.at + place] = bytes(cut.envelope.read(records[cut.at + place]))
                except InputError as error:
                    error.line = cut.line + place
                    raise
        return replace(self, records=records, cuts=())


class RowReader:
    """Reads the records of one table plan; holds the compiled decoder."""

    def __init__(self, plan: TablePlan, rules: Rules, *, to_clob: bool) -> None:
        self.plan = self._plan = plan
        self._rules = rules
        self._to_clob = to_clob
        self._by_prop = {column.prop: column for column in plan.columns}
        self._key_positions = [index for index, column in enumerate(plan.columns) if column.is_key]
        self._names = [column.name for column in plan.columns]
        self._decoder = _compiled(plan)

    def read(self, batch: RawBatch) -> Rows:
        """Return the rows of a batch, or what is refused of it.

        Raises:
            InputError: a line of it is no Singer message.
        """
        if self._decoder is not None:
            try:
                return Rows(rows=self._fast(self._decoder, batch))
            except (UnusualError, UnfitError, *values.UNREADABLE):
                pass  # not a verdict: the exact path gives it
        return self._exact(batch.checked())

    def _fast(self, decoder: msgspec.json.Decoder[Any], batch: RawBatch) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for begin in range(0, len(batch.records), _SLICE_ROWS):
            some = slice(begin, begin + _SLICE_ROWS)
            part = replace(
                batch,
                records=batch.records[some],
                extracted=batch.extracted[some],
                received=batch.received[some],
            )
            rows += self._fast_part(decoder, part, begin)
        return rows

    def _fast_part(
        self, decoder: msgspec.json.Decoder[Any], batch: RawBatch, begin: int
    ) -> Iterator[tuple[Any, ...]]:
        longest_bytes = max(map(len, batch.records), default=0)
        if longest_bytes > MAX_RECORD_BYTES:
            raise UnusualError
        structs = map(decoder.decode, batch.records)
        fields = list(zip(*map(msgspec.structs.astuple, structs), strict=True))
        width, total = len(self._plan.columns), len(batch.records)
        columns = [
            _bulk(column, fields[index], self._rules, longest_bytes)
            for index, column in enumerate(self._plan.columns)
        ]
        if any(None in columns[index] for index in self._key_positions):  # '' is NULL by now
            raise UnusualError
        extracted = self._extracted(batch, fields[width])
        columns += [extracted, [batch.batched_at] * total, batch.received]
        if plans.SEQUENCE in self._plan.extras:
            columns.append([clock.epoch_ms(moment) for moment in batch.received])
        if plans.ROW_HASH in self._plan.extras:
            business = zip(*columns[:width], strict=True)
            columns.append([digests.row_hash(self._names, row) for row in business])
        columns.append(range(begin, begin + total))
        return zip(*columns, strict=True)

    @staticmethod
    def _extracted(batch: RawBatch, own: Sequence[str | None]) -> list[datetime]:
        """When each row was extracted; a tap that does not say gives way to its arrival."""
        texts: Sequence[str | None] = batch.extracted
        if own.count(None) < len(own):
            texts = [said if mine is None else mine for mine, said in zip(own, texts, strict=True)]
        known = {text: values.timestamp(text) for text in set(texts) if text is not None}
        if None not in texts:
            return [known[text] for text in texts if text is not None]
        return [
            received if text is None else known[text]
            for text, received in zip(texts, batch.received, strict=True)
        ]

    def _exact(self, batch: RawBatch) -> Rows:
        result = Rows()
        for position, raw in enumerate(batch.records):
            try:
                row = self._row(raw, batch, position, result)
            except _RefusedError as refused:
                result.rejects.append(self._reject(raw, refused, batch, position))
            else:
                result.rows.append(row)
        return result

    def _reject(self, raw: bytes, refused: _RefusedError, batch: RawBatch, position: int) -> Reject:
        said = batch.extracted[position]
        try:
            moment = batch.received[position] if said is None else values.timestamp(said)
        except UnfitError:
            moment = None
        return Reject(
            self._plan.stream, refused.column, refused.code, str(refused), self._key_text(raw),
            raw.decode("utf-8", "backslashreplace"), moment,
        )  # fmt: skip

    def _row(self, raw: bytes, batch: RawBatch, position: int, result: Rows) -> tuple[Any, ...]:
        if len(raw) > MAX_RECORD_BYTES:
            raise _RefusedError("", "RECORD_TOO_LARGE", f"more than {MAX_RECORD_BYTES} bytes")
        fields = _members(raw)
        extracted = batch.extracted[position]
        for prop, value in fields.items():
            if prop == _METADATA_PROPS[0] and bytes(value)[:1] == b'"':
                extracted = msgspec.json.decode(value)
            elif prop not in self._by_prop and prop not in _OURS:
                result.undeclared.add(prop)
        row = [self._value(column, bytes(fields.get(column.prop, _NULL)), result)
               for column in self._plan.columns]  # fmt: skip
        received = batch.received[position]
        try:
            moment = received if extracted is None else values.timestamp(extracted)
        except UnfitError as error:
            raise _RefusedError(EXTRACTED_AT, error.code, str(error)) from error
        extras: list[Any] = []
        if plans.SEQUENCE in self._plan.extras:
            extras.append(clock.epoch_ms(received))
        if plans.ROW_HASH in self._plan.extras:
            extras.append(digests.row_hash(self._names, row))
        return (*row, moment, batch.batched_at, received, *extras, position)

    def _value(self, column: Column, raw: bytes, result: Rows) -> Any:
        try:
            value = values.exact(column.shape, column.type, raw, self._rules)
        except OverflowedError as error:
            if self._to_clob and not column.is_key:
                result.overflowing.add(column.name)
                return None
            raise _RefusedError(column.name, error.code, str(error)) from error
        except UnfitError as error:
            raise _RefusedError(column.name, error.code, str(error)) from error
        if column.is_key and (value is None or value == ""):
            raise _RefusedError(column.name, "KEY_NULL", "a key is never NULL (nor '', its equal)")
        return value

    def _key_text(self, raw: bytes) -> str:
        props = [self._plan.columns[index].prop for index in self._key_positions]
        try:
            fields = _members(surrogates.blotted(raw)[0])
        except _RefusedError:
            return ""
        return msgspec.json.encode({prop: fields.get(prop, _NULL) for prop in props}).decode(
            "utf-8", "backslashreplace"
        )


class _RefusedError(Exception):
    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.code = code


_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _members(raw: bytes) -> Mapping[str, msgspec.Raw]:
    try:
        return _members_decoder.decode(raw)
    except values.UNREADABLE as error:
        why = "half a character stands in it" if surrogates.has_half(raw) else str(error)
        raise _RefusedError("", "JSON", f"the record cannot be read as an object: {why}") from error


def _compiled(plan: TablePlan) -> msgspec.json.Decoder[Any] | None:
    """The typed decoder; None where the schema has what only the exact path reads."""
    own = {column.prop for column in plan.columns}
    if own & set(_METADATA_PROPS) or any(
        column.shape is Shape.ANY or not _is_plain(column.prop) for column in plan.columns
    ):
        return None
    fields: list[tuple[str, Any, Any]] = []
    for index, column in enumerate(plan.columns):
        kind = _FIELD_TYPES[column.shape]
        default = _NULL if kind is msgspec.Raw else None
        fields.append((f"f{index}", kind, msgspec.field(default=default, name=column.prop)))
    for index, prop in enumerate(_METADATA_PROPS):
        fields.append((f"m{index}", str | None, msgspec.field(default=None, name=prop)))
    struct = msgspec.defstruct("Record", fields, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(struct)


def _is_plain(prop: str) -> bool:
    """Whether a struct's field may carry the name."""
    return prop.isprintable() and '"' not in prop and "\\" not in prop


def _bulk(column: Column, fields: Sequence[Any], rules: Rules, longest_bytes: int) -> Sequence[Any]:
    match column.shape:
        case Shape.INTEGER:
            return values.bulk_integers(fields, column.type)
        case Shape.NUMBER:
            return values.bulk_numbers(fields, column.type)
        case Shape.BOOLEAN:
            return values.bulk_booleans(fields)
        case Shape.TIMESTAMP:
            return values.bulk_timestamps(fields)
        case Shape.DATE:
            return fields
        case Shape.JSON:
            return values.bulk_json(fields, column.type, rules, longest_bytes=longest_bytes)
        case _:
            return values.bulk_texts(fields, column.type, rules, longest_bytes=longest_bytes)
