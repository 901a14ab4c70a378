"""Seeded rows ready for the store, made fast: what a row shares with others is encoded once.

Gives exactly what `Dataset.row` gives through `records.encoder` and `records.columns_of`; a
property test holds the two together.
"""

import re
from collections.abc import Callable, Iterator
from datetime import tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from wms_emulator.dataset.rows import VARIANTS, Dataset, natural_key, pooled
from wms_emulator.dataset.vocabulary import EDGES
from wms_emulator.records import (
    URL_MARK,
    columns_of,
    encoder,
    shown_by,
    sql_value,
    timestamp_text,
)
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.schema.model import Entity, Field, Kind

Prepared = tuple[int, str | None, tuple[object, ...], bytes]

_QUARTER_US = 900_000_000
_MINUTE_US = 60_000_000
_SECOND_US = 1_000_000
_ESCAPED = re.compile(r'["\\\x7f]')
_json = msgspec.json.Encoder().encode


def timestamp_writer(zone: tzinfo) -> Callable[[int], bytes]:
    """`timestamp_text` as JSON; the zone is asked once per quarter of an hour.

    No zone changes its offset within one.
    """

    @lru_cache(maxsize=100_000)
    def quarter(number: int) -> tuple[str, int, str]:
        text = timestamp_text(number * _QUARTER_US, zone)
        return '"' + text[:14], int(text[14:16]), text[26:] + '"'

    def write(instant_us: int) -> bytes:
        number, rest = divmod(instant_us, _QUARTER_US)
        hour, minute, offset = quarter(number)
        minutes, rest = divmod(rest, _MINUTE_US)
        second, rest = divmod(rest, _SECOND_US)
        return f"{hour}{minute + minutes:02d}:{second:02d}.{rest:06d}{offset}".encode()

    return write


class _Own(NamedTuple):
    """One field that has to be made for each row: where it stands, its value, its JSON."""

    place: int  # among the row's fragments
    name: bytes  # as JSON, with comma and colon
    column: int  # among the row's columns; -1 for none
    make: Callable[[int, int], Any] | None  # None: created or modified
    created: bool
    text: Callable[[Any, int], bytes]


def _writer(
    field: Field, zone: tzinfo, write: Callable[[int], bytes]
) -> Callable[[Any, int], bytes]:
    """Native values of a field as JSON."""
    shown, is_set = shown_by(field, zone), field.kind is Kind.SET
    if field.kind is Kind.TS:
        return lambda value, _id: b"null" if value is None else write(value)
    if field.kind is Kind.FK:
        end = f'","url":"{URL_MARK}{field.target}/'

        def relation(value: Any, record_id: int) -> bytes:
            if value is None or shown is None:
                return b"null"
            key = value.key
            # Keys with characters that JSON escapes go the ordinary way, as do links to nothing.
            if key.isascii() and key.isprintable() and not _ESCAPED.search(key) and linked:
                return f'{{"id":{value.id},"key":"{key}{end}{value.id}"}}'.encode()
            return _json(shown(value, record_id))

        linked = field.target in ENTITIES and not ENTITIES[field.target].lookup
        return relation
    if shown is None:
        return lambda value, _id: _json(value)
    return lambda value, record_id: _json(
        value if value is None and not is_set else shown(value, record_id)
    )


class _Plan:
    """How rows of one entity are put together from fragments of their variant and own values."""

    def __init__(self, dataset: Dataset, entity: Entity, zone: tzinfo) -> None:
        self._dataset = dataset
        self._entity = entity
        self._zone = zone
        self._write = timestamp_writer(zone)
        self._places = {name: number for number, name in enumerate(entity.columns)}
        self._runs: list[list[Field]] = []  # of pooled fields; empty where an own one stands
        self._own: list[_Own] = []
        for field in entity.fields:
            if field.kind is Kind.ID:
                continue
            if not pooled(entity, field):
                self._add_own(field)
            elif self._runs and self._runs[-1]:
                self._runs[-1].append(field)
            else:
                self._runs.append([field])
        self._variants: dict[int, tuple[list[bytes], list[object]]] = {}

    def _add_own(self, field: Field) -> None:
        stamp = field.name in {"create_ts", "mod_ts"}
        self._own.append(
            _Own(
                len(self._runs),
                f',"{field.name}":'.encode(),
                self._places.get(field.name, -1),
                None if stamp else self._dataset.own(self._entity, field),
                field.name == "create_ts",
                _writer(field, self._zone, self._write),
            )
        )
        self._runs.append([])

    def _variant(self, variant: int) -> tuple[list[bytes], list[object]]:
        """The fragments (b"" where own values come) and columns (None there) of a variant."""
        fragments: list[bytes] = []
        columns: list[object] = [None] * len(self._places)
        for run in self._runs:
            text = b""
            for field in run:
                value = self._dataset.pooled_value(self._entity, field, variant)
                shown = shown_by(field, self._zone)
                json = value if shown is None or value is None else shown(value, 0)
                text += f',"{field.name}":'.encode() + _json(json)
                if field.name in self._places:
                    columns[self._places[field.name]] = sql_value(value)
            fragments.append(text)
        return fragments, columns

    def rows(self, first: int, end: int) -> Iterator[Prepared]:
        """The rows of these ordinals."""
        dataset, entity, name = self._dataset, self._entity, self._entity.name
        link = f'"url":"{URL_MARK}{name}/'
        for ordinal in range(first, end):
            number = dataset.number(name, ordinal)
            variant = number % VARIANTS
            ready = self._variants.get(variant)
            if ready is None:
                ready = self._variants[variant] = self._variant(variant)
            fragments, columns = ready[0].copy(), ready[1].copy()
            record_id = dataset.id_of(name, ordinal)
            stamps = dataset.instants(name, ordinal)
            for place, label, column, make, created, text in self._own:
                if make is None:
                    value: Any = stamps[0] if created else stamps[1]
                else:
                    value = make(ordinal, number)
                fragments[place] = label + text(value, record_id)
                if column >= 0:
                    columns[column] = sql_value(value)
            head = f'{{"id":{record_id},{link}{record_id}"' if entity.has_id else '{"url":""'
            body = head.encode() + b"".join(fragments) + b"}"
            yield record_id, dataset.key_of(name, ordinal) or None, tuple(columns), body


def prepared(dataset: Dataset, entity: Entity, zone: tzinfo) -> Iterator[Prepared]:
    """All seeded rows of an entity, ids ascending: id, natural key, columns, record text."""
    size = dataset.size(entity.name)
    special = sorted(n for name, n in EDGES if name == entity.name and n < size)
    if entity.lookup:
        special = list(range(size))
    plan = _Plan(dataset, entity, zone)
    encode, columns = encoder(entity, zone), columns_of(entity)
    reached = 0
    for ordinal in special:
        yield from plan.rows(reached, ordinal)
        row = dataset.row(entity, ordinal)
        record_id = dataset.id_of(entity.name, ordinal)
        yield record_id, natural_key(entity, row) or None, columns(row), encode(row, record_id)
        reached = ordinal + 1
    yield from plan.rows(reached, size)
