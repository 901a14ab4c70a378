"""The SDK's Stream as a shell: catalog, selection and stream maps; reading is `sync`'s matter.

The only module besides `tap` that knows the SDK. Its `sync` replaces the SDK's, which hands
every record over one by one (docs/decisions/0001-singer-sdk-as-a-shell.md).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.streams.core import Stream

from flext_observability import bound, emit
from flext_tap_oracle_wms import estimate, filters, schema
from flext_tap_oracle_wms.emit import Shape, StreamEmitter
from flext_tap_oracle_wms.errors import SettingsError
from flext_tap_oracle_wms.events import FiltersChanged, StreamSynced
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.sizing import PageSize
from flext_tap_oracle_wms.sync import backfill, full, incremental, reading
from flext_tap_oracle_wms.sync.job import Job, LimitReachedError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from singer_sdk.mapper import PluginMapper, StreamMap
    from singer_sdk.tap_base import Tap

    from flext_tap_oracle_wms.bookmarks import State
    from flext_tap_oracle_wms.clock import Clock
    from flext_tap_oracle_wms.emit import Files, Output
    from flext_tap_oracle_wms.errors import TapError
    from flext_tap_oracle_wms.estimate import Estimate
    from flext_tap_oracle_wms.schema import Field
    from flext_tap_oracle_wms.settings import Settings

FULL_TABLE = "FULL_TABLE"
INCREMENTAL = "INCREMENTAL"


class Means(Protocol):
    """What a run gives its streams; the tap is it."""

    settings: Settings
    wms_state: State

    @property
    def clock(self) -> Clock:
        """What the run reads time from."""
        ...

    @property
    def mapper(self) -> PluginMapper:
        """The SDK's stream maps."""
        ...

    @property
    def output(self) -> Output:
        """The only writer to stdout."""
        ...

    @property
    def client(self) -> reading.Source:
        """The requests."""
        ...

    @property
    def run_id(self) -> str:
        """The run's id."""
        ...

    def files_of(self, stream: str) -> Files | None:
        """Return the files that a stream's records go into; None where they are messages."""
        ...


class StreamMaps:
    """The user's stream maps of one stream, as the emitter wants them."""

    def __init__(self, stream: WmsStream) -> None:
        self._stream = stream

    def _maps(self) -> list[StreamMap]:
        return self._stream.means.mapper.stream_maps[self._stream.name]

    def schemas(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the SCHEMA messages that the schema becomes, which may have grown."""
        stream = self._stream
        mapper = stream.means.mapper
        mapper.register_raw_stream_schema(stream.name, schema, list(stream.primary_keys))
        key = stream.bookmark_key
        return [
            {
                "type": "SCHEMA",
                "stream": item.stream_alias,
                "schema": item.transformed_schema,
                "key_properties": list(item.transformed_key_properties or []),
                "bookmark_properties": [key]
                if key in item.transformed_schema["properties"]
                else [],
            }
            for item in self._maps()
            if not isinstance(item, RemoveRecordTransform)
        ]

    def records(self, record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Return what the maps make of a record."""
        found = []
        for item in self._maps():
            mapped = item.transform(dict(record))
            if mapped is not None:
                found.append((item.stream_alias, mapped))
        return found

    def aliases(self) -> list[str]:
        """Return the streams that are emitted."""
        return [
            item.stream_alias
            for item in self._maps()
            if not isinstance(item, RemoveRecordTransform)
        ]


def flattening_of(settings: Settings) -> schema.Flattening:
    """Return what the settings want of relations, sets and addresses."""
    return schema.Flattening(sets_as_json=settings.sets == "json", urls=settings.url_columns)


class WmsStream(Stream):
    """One entity of the WMS."""

    def __init__(
        self,
        tap: Tap,
        means: Means,
        name: str,
        *,
        fields: Sequence[Field] = (),
        catalog_schema: dict[str, Any] | None = None,
        failure: TapError | None = None,
    ) -> None:
        """Make a stream of described fields, or of a catalog's entry that is not read now.

        Args:
            tap: the tap it belongs to, for the SDK.
            means: the same, for us.
            name: the entity.
            fields: its fields; empty for a stream that is not selected or not describable.
            catalog_schema: the schema in the catalog, where fields are unknown.
            failure: why the entity could not be described; raised when the stream is read.
        """
        self.means = means
        self._fields = tuple(fields)
        self.failure = failure
        columns = schema.columns_of(self._fields)
        known = schema.json_schema(columns) if fields else (catalog_schema or {"properties": {}})
        super().__init__(tap, schema=known, name=name)
        kinds = {item.name: item.kind for item in fields}
        key = means.settings.replication_key_of(name)
        self.primary_keys = [schema.KEY] if schema.KEY in kinds else []
        # Windows are read in the order of ids: without both there is only the full read.
        usable = schema.KEY in kinds and kinds.get(key) == "timestamp"
        self.replication_key = key if usable else None
        # What the entity allows, whatever is done in this run: the catalog of a full pair then
        # serves the incremental one.
        self.forced_replication_method = INCREMENTAL if usable else FULL_TABLE
        if fields and name in means.settings.replication_keys and not usable:
            self.failure = SettingsError(
                f"replication_keys: {key} is no timestamp of entity {name}, or the entity has no id"
            )

    @property
    def is_full(self) -> bool:
        """Whether all rows are read, by setting, by catalog, or for want of a replication key."""
        return (
            self.means.settings.sync_mode == "full"
            or self.replication_method != INCREMENTAL
            or self.replication_key != self.means.settings.replication_key_of(self.name)
        )

    @property
    def bookmark_key(self) -> str | None:
        """The replication key where it is used."""
        return None if self.is_full else self.replication_key

    def apply_catalog(self, catalog: Any) -> None:
        """Take selection, keys and method from the catalog, the key only where there is one."""
        names = {item.name for item in self._fields}
        super().apply_catalog(catalog)
        if self.replication_key not in names:
            self.replication_key = None

    def _selected_column(self, name: str) -> bool:
        return self.mask["properties", name]

    @property
    def _open_ended(self) -> bool:
        """Whether every described column is selected, so that new ones are wanted too."""
        return all(self._selected_column(column.name) for column in schema.columns_of(self._fields))

    def _filters(self) -> dict[str, Any]:
        """The filters of the settings that are this entity's, as they are written there."""
        names = {item.name for item in self._fields}
        return filters.of_settings(self.means.settings, self.name, names)

    def listing(self, limit: int | None = None) -> reading.Listing:
        """Return what the stream's pages are asked for with.

        Raises:
            SettingsError: a filter does not fit what describe says.
        """
        settings = self.means.settings
        windowed = {schema.KEY} if self.is_full else {schema.KEY, str(self.replication_key)}
        params = filters.compile_filters(
            self.name,
            self._filters(),
            self._fields,
            self.means.clock.now(),
            windowed=windowed,
        )
        params["page_mode"] = settings.page_mode
        if not self._open_ended:
            columns = [
                column
                for column in schema.columns_of(self._fields)
                if self._selected_column(column.name)
            ]
            params["fields"] = ",".join(schema.sources(columns, self.primary_keys))
        size = settings.page_size if limit is None else min(settings.page_size, limit)
        return reading.Listing(self.name, params, PageSize(size))

    def schema_messages(self) -> list[dict[str, Any]]:
        """Return the SCHEMA messages that a sync begins with, without its run id.

        Raises:
            TapError: the entity could not be described.
        """
        if self.failure is not None:
            raise self.failure
        return self._emitter(files=None).schema_messages()

    def estimate(self) -> Estimate:
        """Return how long a full load would take as the WMS answers now.

        Raises:
            TapError: the entity could not be described, or the WMS does not answer.
        """
        if self.failure is not None:
            raise self.failure
        settings = self.means.settings
        ranged = bool(self.primary_keys) and settings.orders_by_id
        return estimate.of_listing(
            self.means.client,
            self.listing(),
            self.means.clock,
            in_flight=settings.max_concurrency if ranged else 1,
        )

    def _emitter(self, files: Files | None) -> StreamEmitter:
        means, maps = self.means, self.stream_maps
        plain = len(maps) == 1 and type(maps[0]) is SameRecordTransform
        return StreamEmitter(
            self.name,
            Shape(
                fields=self._fields,
                selected=self._selected_column,
                open_ended=self._open_ended,
                bookmark_key=self.bookmark_key,
                flattening=flattening_of(means.settings),
            ),
            output=means.output,
            clock=means.clock,
            run_id=means.run_id,
            mapper=None if plain else StreamMaps(self),
            files=files,
        )

    def _job(self) -> Job:
        means, settings = self.means, self.means.settings
        limits = [n for n in (settings.record_limit, self.ABORT_AT_RECORD_COUNT) if n is not None]
        limit = min(limits, default=None)
        return Job(
            stream=self.name,
            listing=self.listing(limit),
            settings=settings,
            source=means.client,
            emitter=self._emitter(means.files_of(self.name)),
            state=means.wms_state,
            clock=means.clock,
            fields={item.name for item in self._fields},
            replication_key=self.replication_key,
            record_limit=limit,
        )

    def sync(self, context: Any = None) -> None:  # type: ignore[misc]  # @final in the SDK: see the module's docstring
        """Emit SCHEMA, records and STATE of the entity.

        Raises:
            TapError: it could not be read to its end; the bookmark stays.
        """
        del context  # there are no parent streams and no partitions
        if self.failure is not None:
            raise self.failure
        started_s = self.means.clock.monotonic_s()
        with bound(stream=self.name):
            job = self._job()
            job.emitter.write_schema()
            try:
                self._read(job)
            except LimitReachedError:
                job.emit_state()
            finally:
                job.finish()
            seconds = self.means.clock.monotonic_s() - started_s
            emit(StreamSynced(self.name, job.emitted, round(seconds, 3)))

    def _read(self, job: Job) -> None:
        if self.means.settings.sync_mode == "backfill":
            backfill.run(job)
            return
        chosen = self._filters()
        wanted = json.dumps(chosen, sort_keys=True, default=str) if chosen else ""
        if job.progress.use_filters(wanted):
            emit(FiltersChanged(self.name))
        (full.load if self.is_full else incremental.run)(job)

    def get_records(self, context: Mapping[str, Any] | None) -> Generator[dict[str, Any]]:
        """Yield all records, decoded; the SDK asks for them where it writes no messages."""
        del context
        if self.failure is not None:
            raise self.failure
        job = self._job()
        pages = (
            reading.by_id(job.source, job.listing, Interval(), job.clock, descending=True)
            if job.emitter.has_key
            else reading.by_next_page(job.source, job.listing, job.clock, ordering=None)
        )
        for page in pages:
            yield from job.emitter.decoded(page.results)

    def _sync_records(
        self, context: Any = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any]]:
        """Yield records for the SDK's own uses; messages are written by `sync` alone."""
        if write_messages:
            self.sync(context)
            return
        for number, record in enumerate(self.get_records(context)):
            self._check_max_record_limit(current_record_index=number)
            yield record
